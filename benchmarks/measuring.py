"""
What a process has used so far, from /proc.

A process that has ended can be asked until it is waited for: see ended().
"""

import os
from pathlib import Path

import attrs

_TICK = 1 / os.sysconf("SC_CLK_TCK")


def cpu(pid: int) -> float:
    """
    Seconds of user and system time of all threads, also those that have ended, and of children
    that were waited for.
    """
    # After the name, which may hold anything, come the fields from the third on.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * _TICK


def ended(pid: int) -> bool:
    """Whether a child has ended.  It is not waited for: its figures stay."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


@attrs.frozen
class Memory:
    """Resident, in MiB: now, and at most since the program began."""

    now: float
    peak: float


def memory(pid: int) -> Memory | None:
    """None once the process has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except ProcessLookupError:
        return None
    found = dict(line.split(":", 1) for line in lines)
    if "VmHWM" not in found:
        return None
    return Memory(*(int(found[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")))
