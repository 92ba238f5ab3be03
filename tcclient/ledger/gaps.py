"""
When a capture that is wanted has no stream: where the gap begins, why, and where it ends.  Pure.

Times are in epoch seconds.  Knows how ledgers have a gap; opens and writes nothing.
"""

import attrs
import msgspec

from tcclient.ledger import entries
from tcclient.ledger.entries import moment, seconds

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
    A gap that is open.  The last byte before it came at `begin`; `cause` and `detail` say why it
    began, and `keywords` is the text that is wanted.  So many `attempts` have failed since, and
    `status` and `explanation` are those of the last one.  From `ceased` on nothing was wanted.
    """

    begin: float
    cause: str
    detail: str
    keywords: str | None = None
    attempts: int = 0
    status: int | None = None
    explanation: str | None = None
    ceased: float | None = None

    @classmethod
    def of(cls, told: entries.OpenGap) -> "Missing":
        """Return an open gap as the ledger has it."""
        members = msgspec.structs.asdict(told)
        begin, ceased = seconds(members.pop("covered")), members.pop("ceased")
        return cls(begin, ceased=None if ceased is None else seconds(ceased), **members)

    def for_ledger(self) -> entries.OpenGap:
        """Return this as a member of a line."""
        members = attrs.asdict(self)
        covered, ceased = moment(members.pop("begin")), members.pop("ceased")
        return entries.OpenGap(
            covered=covered, ceased=None if ceased is None else moment(ceased), **members
        )

    @property
    def since(self) -> float:
        """
        When posts began to be missing: earlier than the last byte by what may have been in flight.
        """
        return self.begin - (0.0 if self.cause in _READ_TO_THE_END else IN_FLIGHT)


class Coverage(msgspec.Struct):
    """
    Which time of a capture is missing.  `missing` is the gap that is open, None while the stream is
    heard, or nothing is wanted.
    """

    missing: Missing | None = None

    def begins(self, missing: Missing) -> None:
        """Open a gap, unless one is open already, which goes on then."""
        self.missing = self.missing or missing

    def moves(self, begin: float) -> None:
        """Have the open gap begin at `begin`, if it is due to the disk and began earlier."""
        if self.missing is not None and self.missing.cause == DISK:
            self.missing = attrs.evolve(self.missing, begin=max(self.missing.begin, begin))

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
            ceased = None if self.missing.ceased is None else self.missing.ceased + seconds
            begin = self.missing.begin + seconds
            self.missing = attrs.evolve(self.missing, begin=begin, ceased=ceased)

    def ends(self, end: float, backfill: int | None = None) -> entries.Gap | None:
        """
        Close the open gap at the time `end`.  Return the line about it, None if there is no gap.
        With `backfill`, the source was asked for the posts of so many minutes before.
        """
        missing, self.missing = self.missing, None
        if missing is None or missing.cause == STOPPED:
            return None
        # If the clock was set back in between, the gap must not have a negative length.
        begin = min(missing.since, end)
        return entries.Gap(
            begin=moment(begin),
            end=moment(end),
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
        return now - missing.since
