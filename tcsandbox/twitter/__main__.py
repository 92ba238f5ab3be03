"""Runs the simulator: `python -m tcsandbox.twitter`."""

from tcsandbox.twitter.command import main

main()
