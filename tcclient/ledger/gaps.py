"""
When a capture that is wanted has no stream: where the gap begins, why, and where it ends.  Pure.

Takes times in epoch seconds; opens nothing, writes nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from tcclient.ledger import entries
from tcclient.ledger.vocabulary import COMMON

START = "start"
"""The capture has begun, and its first byte has not come."""
IN_FLIGHT = 0.25
"""
Seconds before the last byte at which a gap begins: what the other side had sent by then, and nobody
had read, is missing too.
"""

_NOT_TO_BE_HAD = (START, "budget", "rules", "switched")
"""Causes of gaps in which X had no rule of the capture, or was not to send what it matched."""

_READ_TO_THE_END = (START, "keywords")
"""Causes of gaps before which nothing was on its way: an old stream is read until it is closed."""

LEFT = "client_stopped"
CRASH = "crash"
DISK = "disk"
STOPPED = "stopped"
"""No gap: a stop that the process did not live to finish."""


@attrs.frozen
class Missing:
    """A gap that is open.  `cause` and `detail` say why it began; `attempts` have failed since, and
    `status` and `explanation` are those of the last one.  From `ceased` on nothing was wanted."""

    begin: float
    cause: str
    detail: str
    keywords: str | None = None
    attempts: int = 0
    status: int | None = None
    explanation: str | None = None
    ceased: float | None = None


class Coverage:
    """What is missing of one capture; `missing` is None while its stream is heard."""

    def __init__(self, missing: Missing | None = None) -> None:
        self.missing = missing

    def begins(self, missing: Missing) -> None:
        """There is no stream from then on; where there was none before, the gap is the same."""
        self.missing = self.missing or missing

    def tried(self, status: int | None, explanation: str | None) -> None:
        """An attempt to connect has failed."""
        if self.missing is not None:
            self.missing = attrs.evolve(
                self.missing,
                attempts=self.missing.attempts + 1,
                status=status,
                explanation=explanation,
            )

    def clock_stepped(self, seconds: float) -> None:
        """The clock has been set by `seconds`: both ends of a gap are by one clock, the newer."""
        if self.missing is not None:
            self.missing = attrs.evolve(self.missing, begin=self.missing.begin + seconds)

    def ends(self, end: float, backfill: int | None = None) -> entries.Gap | None:
        """The stream is heard, or nothing is wanted any more; the line about the gap, if any."""
        missing, self.missing = self.missing, None
        if missing is None or missing.cause == STOPPED:
            return None
        # A clock that was set back in between makes no gap of less than nothing.
        begin = min(_begin(missing), end)
        return entries.Gap(
            begin=entries.moment(begin),
            end=entries.moment(end),
            seconds=round(end - begin, 3),
            cause=missing.cause,
            detail=missing.detail,
            attempts=missing.attempts,
            keywords=missing.keywords,
            status=missing.status,
            explanation=missing.explanation,
            backfill=None if missing.cause in _NOT_TO_BE_HAD else backfill,
        )

    def missed(self, now: float) -> float | None:
        """For how many seconds posts have been missed that X would have sent; None for none."""
        missing = self.missing
        if missing is None or missing.cause in _NOT_TO_BE_HAD:
            return None
        return now - _begin(missing)


def _begin(missing: Missing) -> float:
    return missing.begin - (0.0 if missing.cause in _READ_TO_THE_END else IN_FLIGHT)


def last_boot(newest_first: Iterable[Mapping[str, Any]]) -> str | None:
    """Since which start of the machine the folder was last open; None where nobody knows."""
    for line in newest_first:
        entry = COMMON.read(line)
        if isinstance(entry, entries.CaptureOpen):
            return entry.boot
    return None


def resume(
    newest_first: Iterable[Mapping[str, Any]],
    job: int,
    alive: float,
    *,
    trust_recovered: bool = True,
) -> Missing | None:
    """
    The gap in which a capture is that an earlier process has left, by the lines of its ledger;
    None for one that was not running.  `alive` is the last time at which that process is known to
    have had everything on the disk, 0 where nothing is known; the last byte of a file that was
    recovered counts where it can be trusted.
    """
    search = _Search(alive, trust_recovered)
    for line in newest_first:
        entry = COMMON.read(line) if line.get("job") == job else None
        if entry is not None:
            search.take(entry, entries.seconds(line["at"]))
            if search.is_over:
                break
    return search.missing and attrs.evolve(search.missing, keywords=search.keywords)


class _Search:
    """
    For the gap that is open at the end of a ledger, whose entries are taken from the newest on.

    A process that resumed the capture and heard nothing was within a gap that is older.
    """

    def __init__(self, alive: float, trust_recovered: bool) -> None:
        self.missing: Missing | None = None
        self.keywords: str | None = None
        self._alive = alive
        self._trust_recovered = trust_recovered
        self._moved = 0.0  # by how much the clock has been set since the entry
        self._tried: list[entries.NotConnected] = []
        self._is_found = False
        self._text_is_known = False
        self._disk: bool | None = None  # whether it took posts in the end; None where nobody says

    @property
    def is_over(self) -> bool:
        """Whether no older entry says more."""
        if self.missing is None:
            return self._is_found
        needs_disk = self.missing.cause == STOPPED and self._disk is None
        return self._is_found and self._text_is_known and not needs_disk

    def take(self, entry: entries.Entry, at: float) -> None:
        """The next older entry, of that time."""
        if isinstance(entry, entries.Keywords) and not self._text_is_known:
            self.keywords, self._text_is_known = entry.after, True
        elif isinstance(entry, entries.ClockStep):
            self._moved += entry.seconds
        elif isinstance(entry, entries.DiskTrouble | entries.DiskRecovered):
            self._disk_said(is_well=isinstance(entry, entries.DiskRecovered))
        elif self._is_found:
            pass
        elif isinstance(entry, entries.File):
            self._arrived(entry, at)
        elif isinstance(entry, entries.NotConnected):
            self._tried.append(entry)
        else:
            self._look(entry, at)

    def _disk_said(self, *, is_well: bool) -> None:
        if self._disk is None:
            self._disk = is_well
            if self.missing is not None and self.missing.cause == STOPPED and not is_well:
                detail = "nothing was read while the disk took no posts"
                self.missing = attrs.evolve(self.missing, cause=DISK, detail=detail)

    def _arrived(self, file: entries.File, at: float) -> None:
        if file.last_arrival is not None and (self._trust_recovered or not file.recovered):
            # The posts of a file that a clock set back has ended came by the clock as it was.
            arrival = min(entries.seconds(file.last_arrival), at)
            self._alive = max(self._alive, arrival + self._moved)

    def _look(self, entry: entries.Entry, at: float) -> None:
        now = at + self._moved
        if isinstance(entry, entries.CaptureStart):
            self._begins(now, START, "the capture was started")
            self._is_found = entry.because != "resumed"
        elif isinstance(entry, entries.CaptureStop):
            self._is_found = True
            if entry.because == "left":
                covered = entry.covered
                begin = now if covered is None else entries.seconds(covered) + self._moved
                self._begins(begin, LEFT, "the client was stopped")
        elif isinstance(entry, entries.Disconnected) and entry.overlap is None:
            self._is_found = True
            self._begins(now - (entry.silent or 0.0), entry.cause, entry.detail)
            if entry.cause == STOPPED and self.missing is not None:
                self.missing = attrs.evolve(self.missing, ceased=now)
        elif isinstance(entry, entries.Gap):
            self._is_found = True
            if self.missing is None:
                self._tried.clear()  # that was for new keywords, while the old ones were heard
            begin = max(entries.seconds(entry.end) + self._moved, self._alive)
            if self._disk is False:
                self._begins(begin, DISK, "the disk took no posts when the client was killed")
            else:
                self._begins(begin, CRASH, "the client was killed")

    def _begins(self, at: float, cause: str, detail: str) -> None:
        """The gap begins there, and what was tried since has failed."""
        last = self._tried[0] if self._tried else None
        self.missing = Missing(
            at,
            cause,
            detail,
            attempts=len(self._tried),
            status=None if last is None else last.status,
            explanation=None if last is None else last.explanation,
        )
