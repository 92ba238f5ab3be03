"""API v1.1 in the simulator: statuses/filter and statuses/sample."""
