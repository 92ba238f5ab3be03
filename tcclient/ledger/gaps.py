"""
When a capture that is wanted has no stream: where the gap begins, why, and where it ends.  Pure.

Times are in epoch seconds.  Knows the lines of a ledger; opens and writes nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from tcclient.ledger import entries
from tcclient.ledger.vocabulary import COMMON

START = "start"
"""Cause of a gap: the capture has begun, and its first byte has not come."""
IN_FLIGHT = 0.25
"""
Seconds before the last byte at which a gap begins: posts that the other side had sent by then, and
nobody had read, are missing too.
"""

_NOT_ASKED_FOR = (START, "budget", "rules", "switched")
"""Causes of gaps in which the source was not asked for the posts, so that it owes none of them."""

_READ_TO_THE_END = (START, "keywords")
"""Causes of gaps that begin with nothing in flight: an old stream is read until it is closed."""

LEFT = "client_stopped"
"""Cause of a gap: the client was stopped while the capture was running."""
CRASH = "crash"
"""Cause of a gap: the client was killed."""
DISK = "disk"
"""Cause of a gap: the disk took no posts, so that nothing was read."""
STOPPED = "stopped"
"""Not a cause of a gap: a stop of the capture that the process did not live to finish."""


@attrs.frozen
class Missing:
    """
    A gap that is open.  `cause` and `detail` say why it began, and `keywords` is the text that is
    wanted.  So many `attempts` have failed since, and `status` and `explanation` are those of the
    last one.  From `ceased` on nothing was wanted.
    """

    begin: float
    cause: str
    detail: str
    keywords: str | None = None
    attempts: int = 0
    status: int | None = None
    explanation: str | None = None
    ceased: float | None = None


class Coverage:
    """
    Which time of a capture is missing.  `missing` is the gap that is open, None while the stream is
    heard, or nothing is wanted.
    """

    def __init__(self, missing: Missing | None = None) -> None:
        self.missing = missing

    def begins(self, missing: Missing) -> None:
        """Open a gap, unless one is open already, which goes on then."""
        self.missing = self.missing or missing

    def tried(self, status: int | None, explanation: str | None) -> None:
        """Count an attempt to connect that has failed."""
        if self.missing is not None:
            self.missing = attrs.evolve(
                self.missing,
                attempts=self.missing.attempts + 1,
                status=status,
                explanation=explanation,
            )

    def clock_stepped(self, seconds: float) -> None:
        """Move the beginning of the open gap, so that both its ends are by the clock as set now."""
        if self.missing is not None:
            self.missing = attrs.evolve(self.missing, begin=self.missing.begin + seconds)

    def ends(self, end: float, backfill: int | None = None) -> entries.Gap | None:
        """
        Close the open gap at the time `end`.  Return the line about it, None if there is no gap.
        With `backfill`, the source was asked for the posts of so many minutes before.
        """
        missing, self.missing = self.missing, None
        if missing is None or missing.cause == STOPPED:
            return None
        # If the clock was set back in between, the gap must not have a negative length.
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
            backfill=None if missing.cause in _NOT_ASKED_FOR else backfill,
        )

    def missed(self, now: float) -> float | None:
        """Return the seconds for which posts are missed that were asked for; None for none."""
        missing = self.missing
        if missing is None or missing.cause in _NOT_ASKED_FOR:
            return None
        return now - _begin(missing)


def _begin(missing: Missing) -> float:
    """Return where a gap begins: earlier than the last byte by what may have been in flight."""
    return missing.begin - (0.0 if missing.cause in _READ_TO_THE_END else IN_FLIGHT)


def last_boot(newest_first: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the boot id of the machine when the folder was last opened; None if unknown."""
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
    Return the gap that an earlier process has left open, by the lines of the capture's ledger; None
    if the capture was not running.  `alive` is the last time at which that process is known to have
    had everything on the disk, 0.0 if none is known.  `trust_recovered` is whether the last arrival
    in a file that was recovered counts too.
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
    Finds the gap that is open at the end of a ledger, by its entries, from the newest backwards.

    A process that resumed the capture and heard nothing was within a gap that is older than it.
    """

    def __init__(self, alive: float, trust_recovered: bool) -> None:
        self.missing: Missing | None = None
        self.keywords: str | None = None
        self._alive = alive
        self._trust_recovered = trust_recovered
        self._moved = 0.0  # by how many seconds the clock has been set since the entry
        self._tried: list[entries.NotConnected] = []
        self._is_found = False
        self._text_is_known = False
        self._disk: bool | None = None  # whether it took posts in the end; None if no line says

    @property
    def is_over(self) -> bool:
        """Whether no older entry says more."""
        if self.missing is None:
            return self._is_found
        needs_disk = self.missing.cause == STOPPED and self._disk is None
        return self._is_found and self._text_is_known and not needs_disk

    def take(self, entry: entries.Entry, at: float) -> None:
        """Take the next older entry, which was written at the time `at`."""
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
        """Take the newest entry that says whether the disk takes posts."""
        if self._disk is None:
            self._disk = is_well
            if self.missing is not None and self.missing.cause == STOPPED and not is_well:
                detail = "nothing was read while the disk took no posts"
                self.missing = attrs.evolve(self.missing, cause=DISK, detail=detail)

    def _arrived(self, file: entries.File, at: float) -> None:
        """Note that posts had come until the last one of this file, if that can be trusted."""
        if file.last_arrival is not None and (self._trust_recovered or not file.recovered):
            # If the clock was set back, the posts of the file it ended have times of the old clock.
            arrival = min(entries.seconds(file.last_arrival), at)
            self._alive = max(self._alive, arrival + self._moved)

    def _look(self, entry: entries.Entry, at: float) -> None:
        """See whether the gap begins with this entry."""
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
        """Let the gap begin at the time `at`, with the attempts that have failed since."""
        last = self._tried[0] if self._tried else None
        self.missing = Missing(
            at,
            cause,
            detail,
            attempts=len(self._tried),
            status=None if last is None else last.status,
            explanation=None if last is None else last.explanation,
        )
