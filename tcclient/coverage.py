"""
When a capture that is wanted has no stream: where the gap begins, why, and where it ends.  Pure.

Takes times in epoch seconds; opens nothing, writes nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from tcclient import entries

START = "start"
"""The capture has begun, and its first byte has not come."""
IN_FLIGHT = 0.25
"""
Seconds before the last byte at which a gap begins: what the other side had sent by then, and nobody
had read, is missing too.
"""

_READ_TO_THE_END = (START, "keywords")
"""Causes of gaps before which nothing was on its way: an old stream is read until it is closed."""

LEFT = "client_stopped"
CRASH = "crash"


@attrs.frozen
class Missing:
    """A gap that is open.  `cause` and `detail` say why it began; `attempts` have failed since, and
    `status` and `explanation` are those of the last one."""

    begin: float
    cause: str
    detail: str
    keywords: str | None = None
    attempts: int = 0
    status: int | None = None
    explanation: str | None = None


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
        if missing is None:
            return None
        before = 0.0 if missing.cause in _READ_TO_THE_END else IN_FLIGHT
        # A clock that was set back in between makes no gap of less than nothing.
        begin = min(missing.begin - before, end)
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
            backfill=backfill,
        )


def last_boot(newest_first: Iterable[Mapping[str, Any]]) -> str | None:
    """Since which start of the machine the folder was last open; None where nobody knows."""
    for line in newest_first:
        entry = entries.read(line)
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
    keywords: str | None = None
    text_known = False
    missing: Missing | None = None
    moved = 0.0  # by how much the clock has been set since the line
    for line in newest_first:
        entry = entries.read(line) if line.get("job") == job else None
        if isinstance(entry, entries.Keywords) and not text_known:
            keywords, text_known = entry.after, True
        if isinstance(entry, entries.ClockStep):
            moved += entry.seconds
        if (
            isinstance(entry, entries.File)
            and entry.last_arrival is not None
            and (trust_recovered or not entry.recovered)
        ):
            # The posts of a file that a clock set back has ended came by the clock as it was.
            arrival = min(entries.seconds(entry.last_arrival), entries.seconds(line["at"]))
            alive = max(alive, arrival + moved)
        if missing is None and entry is not None:
            if isinstance(entry, entries.CaptureStop) and entry.because != "left":
                return None
            missing = _begun(entry, line, alive, moved)
        if missing is not None and text_known:
            break
    return missing and attrs.evolve(missing, keywords=keywords)


def _begun(
    entry: entries.Entry, line: Mapping[str, Any], alive: float, moved: float
) -> Missing | None:
    """The gap that is open after this line, which is the newest that says."""
    at = entries.seconds(line["at"]) + moved
    if isinstance(entry, entries.CaptureStop):
        begin = at if entry.covered is None else entries.seconds(entry.covered) + moved
        return Missing(begin, LEFT, "the client was stopped")
    if isinstance(entry, entries.Gap):
        heard = entries.seconds(entry.end) + moved
        return Missing(max(heard, alive), CRASH, "the client was killed")
    if isinstance(entry, entries.Disconnected) and entry.overlap is None:
        return Missing(at - (entry.silent or 0.0), entry.cause, entry.detail)
    if isinstance(entry, entries.CaptureStart):
        return Missing(at, START, "the capture was started")
    return None
