"""Clocks, timers, threads, secrets, failures in words.  Knows nothing of posts and captures."""
