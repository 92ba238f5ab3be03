"""
The lines that a ledger could not take yet, in order and up to a limit.  Knows no file.
"""

from collections import deque
from itertools import islice

from tcclient.ledger import entries
from tcclient.ledger.bookings import LinesDropped
from tcclient.ledger.entries import Entry
from tcclient.runtime.wallclock import Date

MOST_LINES = 10_000
"""Lines that may wait."""
MOST_BYTES = 4_000_000
"""Bytes that the waiting lines may have."""

AT_ONCE = 100
"""Most lines that are written together, as a full disk is tried again with each new line."""


class Backlog:
    """Lines that wait.  If it is full, the oldest routine line is dropped, or else the oldest."""

    def __init__(self) -> None:
        self._lines: deque[tuple[bytes, bool]] = deque()  # and whether they are routine
        self._bytes = 0
        self._dropped = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    def first(self, now: Date) -> list[bytes]:
        """
        Return the oldest lines, at most AT_ONCE.  If any were dropped, a line that says how many
        comes first, with the time `now` (epoch seconds).
        """
        dropped = [entries.as_line(LinesDropped(lines=self._dropped), None, now)]
        oldest = [line for line, _ in islice(self._lines, AT_ONCE)]
        return [*(dropped if self._dropped else ()), *oldest]

    def add(self, entry: Entry, job: int | None, now: Date) -> None:
        """Add the line of an entry, with the time `now` (epoch seconds); drop others if need be."""
        line = entries.as_line(entry, job, now)
        self._lines.append((line, entry.is_routine))
        self._bytes += len(line)
        while len(self._lines) > MOST_LINES or self._bytes > MOST_BYTES:
            self._drop()

    def taken(self) -> None:
        """Remove the lines that first() returned: they have been written."""
        self._dropped = 0
        for _ in range(min(AT_ONCE, len(self._lines))):
            line, _ = self._lines.popleft()
            self._bytes -= len(line)

    def _drop(self) -> None:
        dropped = next((one for one in self._lines if one[1]), self._lines[0])
        self._lines.remove(dropped)
        self._bytes -= len(dropped[0])
        self._dropped += 1
