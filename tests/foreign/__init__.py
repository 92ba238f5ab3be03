"""Other people's clients of X API v2, against the simulator: what they can do with it."""
