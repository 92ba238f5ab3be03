"""
What a process needs of its machine, and which one has a file locked.  Knows the files of Linux's
/proc; where there are none, or the process is another container's, nothing is known.
"""

import os
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

PROC = Path("/proc")


class Needs(Struct, frozen=True):
    """Bytes of memory that a process has, and the share of a core that it has used on average."""

    memory: int
    cpu: float


def needs_of(process: int | str = "self") -> Needs | None:
    """Return what a process needs, this one by default; None if that is not known."""
    try:
        folder = PROC / str(process)
        pages = int((folder / "statm").read_text().split()[1])
        # The name of the program stands before these, in parentheses, and may have any character.
        times = (folder / "stat").read_text().rpartition(")")[2].split()
        a_second = os.sysconf("SC_CLK_TCK")
        used, began = (int(times[11]) + int(times[12])) / a_second, int(times[19]) / a_second
        lasted = float((PROC / "uptime").read_text().split()[0]) - began
    except (OSError, ValueError, IndexError):
        return None
    return Needs(pages * os.sysconf("SC_PAGE_SIZE"), round(used / max(lasted, 1.0), 6))


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
