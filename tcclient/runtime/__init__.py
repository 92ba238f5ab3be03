"""What every room stands on: clocks, timers, threads, secrets, failures in words.  No domain."""
