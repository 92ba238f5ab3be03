"""
Which process has a file locked, as Linux tells.

Knows the list of locks in /proc; where there is none nothing is known.
"""

import os
from contextlib import suppress
from pathlib import Path

from tcclient.runtime.needs import PROC, Needs, needs_of


def holder_of(locked: Path) -> int | None:
    """Return the number of the process that has locked the file; None if that is not known."""
    with suppress(OSError, ValueError, IndexError):
        status = locked.stat()
        device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        for line in (PROC / "locks").read_text().splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5] == device:
                return int(fields[4])
    return None


def needs(locked: Path) -> Needs | None:
    """Return what the process needs that has locked the file; None if that is not known."""
    holder = holder_of(locked)
    return None if holder is None else needs_of(holder)
