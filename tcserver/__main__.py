"""Runs `python -m tcserver`, which is the command `tcserver`."""

from tcserver.command import main

if __name__ == "__main__":
    main()
