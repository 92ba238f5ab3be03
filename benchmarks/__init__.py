"""Measured claims: runnable, with the peers in the same run.  See docs/performance.md."""
