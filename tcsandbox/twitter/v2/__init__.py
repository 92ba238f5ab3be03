"""X API v2 in the simulator: token, rules, search stream and sample stream."""
