"""
Lines that a ledger could not take yet: in order, and not without end.
"""

from collections import deque
from itertools import islice

from tcclient.ledger import entries
from tcclient.ledger.entries import Entry, LinesDropped

MOST_LINES = 10_000
MOST_BYTES = 4_000_000

AT_ONCE = 100
"""Lines that are tried together: a full disk is tried with each new line."""


class Backlog:
    """Where it is full, the oldest line that is only routine makes room, or else the oldest."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._routine: deque[bytes] = deque()  # those of _lines that are
        self._bytes = 0
        self._dropped = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    def first(self, now: float) -> list[bytes]:
        """The oldest ones, at most AT_ONCE, behind one that counts those that are not there."""
        dropped = [entries.as_line(LinesDropped(lines=self._dropped), None, now)]
        return [*(dropped if self._dropped else ()), *islice(self._lines, AT_ONCE)]

    def add(self, entry: Entry, job: int | None, now: float) -> None:
        """One more, of the time `now`."""
        line = entries.as_line(entry, job, now)
        self._lines.append(line)
        if entry.is_routine:
            self._routine.append(line)
        self._bytes += len(line)
        while len(self._lines) > MOST_LINES or self._bytes > MOST_BYTES:
            self._drop()

    def taken(self) -> None:
        """Those of first() wait no more."""
        self._dropped = 0
        for _ in range(min(AT_ONCE, len(self._lines))):
            line = self._lines.popleft()
            self._bytes -= len(line)
            if self._routine and self._routine[0] is line:
                self._routine.popleft()

    def _drop(self) -> None:
        if self._routine:
            line = self._routine.popleft()
            self._lines.remove(line)
        else:
            line = self._lines.popleft()
        self._bytes -= len(line)
        self._dropped += 1
