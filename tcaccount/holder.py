"""
Which process has a file locked, and what it needs, as Linux tells.

Knows the files of /proc; where there are none, or the process is another container's, nothing is
known.
"""

import os
from pathlib import Path

import attrs

_PROC = Path("/proc")


@attrs.frozen
class Needs:
    """Bytes of memory that a process has, and the share of a core that it has used on average."""

    memory: int
    cpu: float


def needs(locked: Path) -> Needs | None:
    """Return what the process needs that has locked the file; None if that is not known."""
    try:
        process = _PROC / str(_holder(locked.stat()))
        pages = int((process / "statm").read_text().split()[1])
        # The name of the program stands before these, in parentheses, and may have any character.
        times = (process / "stat").read_text().rpartition(")")[2].split()
        a_second = os.sysconf("SC_CLK_TCK")
        used, began = (int(times[11]) + int(times[12])) / a_second, int(times[19]) / a_second
        lasted = float((_PROC / "uptime").read_text().split()[0]) - began
    except (OSError, ValueError, IndexError):
        return None
    return Needs(pages * os.sysconf("SC_PAGE_SIZE"), round(used / max(lasted, 1.0), 6))


def _holder(status: os.stat_result) -> int:
    """Return the number of the process with the lock.  Raises OSError, and ValueError for none."""
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in (_PROC / "locks").read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and fields[5] == device:
            return int(fields[4])
    raise ValueError
