"""X's API v2: one shared stream for all captures."""
