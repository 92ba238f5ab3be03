"""Capture clients: which there are, by which tokens they come, when they were last heard of."""
