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
    """
    Lines that wait.  If it is full, the oldest routine line is dropped, or else the oldest; not one
    of those that first() has returned, until it is known whether they have been written.
    """

    def __init__(self) -> None:
        self._lines: deque[tuple[bytes, bool]] = deque()  # and whether they are routine
        self._bytes = 0
        self._dropped = 0
        self._returned = self._said = 0  # lines, and how many were dropped as these say

    def __bool__(self) -> bool:
        return bool(self._lines)

    def first(self, now: Date) -> list[bytes]:
        """
        Return the oldest lines, at most AT_ONCE.  If any were dropped, a line that says how many
        comes first, with the time `now` (epoch seconds).
        """
        dropped = [entries.as_line(LinesDropped(lines=self._dropped), None, now)]
        oldest = [line for line, _ in islice(self._lines, AT_ONCE)]
        self._returned, self._said = len(oldest), self._dropped
        return [*(dropped if self._dropped else ()), *oldest]

    def add(self, entry: Entry, job: int | None, now: Date) -> None:
        """Add the line of an entry, with the time `now` (epoch seconds); drop others if need be."""
        line = entries.as_line(entry, job, now)
        self._lines.append((line, entry.is_routine))
        self._bytes += len(line)
        while len(self._lines) > MOST_LINES or self._bytes > MOST_BYTES:
            if len(self._lines) == self._returned:
                break
            self._drop()

    def taken(self) -> None:
        """Remove the lines that first() returned: they have been written."""
        self._dropped -= self._said
        for _ in range(self._returned):
            line, _ = self._lines.popleft()
            self._bytes -= len(line)
        self._returned = self._said = 0

    def refused(self) -> None:
        """Have the lines that first() returned wait on: they have not been written."""
        self._returned = self._said = 0

    def _drop(self) -> None:
        waiting = islice(enumerate(self._lines), self._returned, None)
        place = next((at for at, line in waiting if line[1]), self._returned)
        self._bytes -= len(self._lines[place][0])
        del self._lines[place]
        self._dropped += 1
