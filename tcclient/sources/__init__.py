"""Where posts come from: what every source implements, the sources, and what they share."""
