"""X API v2: one shared stream, subscriptions to it, and the rules that fill it."""
