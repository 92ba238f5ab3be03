"""Long runs with real processes: not part of the default run, each with a command of its own."""
