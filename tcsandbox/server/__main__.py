"""Runs the stand-in: `python -m tcsandbox.server`."""

from tcsandbox.server.standin import main

main()
