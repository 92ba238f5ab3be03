"""
What the account of one capture says of its time: when it was wanted, what was asked for, and when
its stream was heard.

Knows when something is worth a line; keeps no file.
"""

from collections.abc import Callable

import attrs
import msgspec
from msgspec import structs
from twisted.internet.interfaces import IReactorTime

from tcclient.ledger import entries
from tcclient.ledger.endings import Ending
from tcclient.ledger.entries import Asked, Entry, RefusedTerm
from tcclient.ledger.gaps import DISK, START, Coverage, Missing

ON_PURPOSE = frozenset({"stopped", "left"})
"""Causes for which nothing is missing: the capture is not wanted, or the client says so itself."""


SOON = 1.0
"""Seconds in which a stop is usually finished: the time of its line is near enough then."""


class CaptureLog:
    """
    `note` puts a line into the ledger and does not raise; `missing` is the gap in which an earlier
    process has left the capture.  `unwritten_since` writes what waits, and returns when the first
    post came that could not be written, None where all is in files.
    """

    def __init__(
        self,
        note: Callable[[Entry], None],
        clock: IReactorTime,
        missing: Missing | None,
        unwritten_since: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._note = note
        self._unwritten_since = unwritten_since
        self._clock = clock
        self._coverage = Coverage(missing)
        self._heard = clock.seconds()
        self._keywords: str | None = None
        self._ceased = None if missing is None else missing.ceased
        self._status: int | None = None  # the server's, while the capture is to run
        self._said: list[Entry] = []  # of what is asked for: the newest lines
        self._in_force: tuple[str | None, float] | None = None  # since when

    @property
    def is_running(self) -> bool:
        """Whether the account has the capture as wanted, and without a stream."""
        return self._coverage.missing is not None

    @property
    def missed(self) -> float | None:
        """As Coverage, by now."""
        return self._coverage.missed(self._clock.seconds())

    def begin(self, because: str, status: int, keywords: str | None) -> None:
        """
        Note that the capture is to run; `because` is `started` or `resumed`, `status` the server's.
        """
        if self._ceased is not None and self.is_running:
            self.end("stopped", status)  # an earlier process did not come to say so
        self._keywords, self._status, self._ceased = keywords, status, None
        self._note(entries.CaptureStart(because=because, status=status))
        self._miss(self._clock.seconds(), START, "the capture was started")

    def ceases(self) -> None:
        """The capture is not to run any more; what has come of it may still have to be written."""
        self._ceased = self._clock.seconds()

    def end(self, because: str, status: int) -> None:
        """The capture is not to run any more, and what has come of it is on the disk."""
        self._status, self._said = None, []
        missing = self._coverage.missing
        covered = self._heard if missing is None else missing.begin
        if because != "left":
            self._end_gap()
        line = entries.CaptureStop(
            because=because,
            status=status,
            covered=entries.moment(covered),
            since=self._since(because),
        )
        self._note(line)

    def _since(self, because: str) -> str | None:
        """Since when it was not wanted, where that is some time ago."""
        ceased = self._ceased
        if ceased is None or because == "left" or self._clock.seconds() - ceased < SOON:
            return None
        return entries.moment(ceased)

    def follow(
        self,
        text: str | None,
        before: str | None,
        asked: Asked | None,
        refused: tuple[RefusedTerm, ...],
    ) -> None:
        """
        Note that the keyword text is `text` from now on, what it asks the source for, and which of
        its terms are refused.  The first text of a process that goes on with a capture follows on
        the one that the account has.
        """
        missing = self._coverage.missing
        if before is None and missing is not None and missing.keywords != text:
            before = missing.keywords
        self._keywords = text
        line = entries.Keywords(before=before, after=text, asked=asked, refused=refused)
        self._said = [structs.replace(line, before=None)]
        self._note(line)

    def in_force(self, text: str | None, after: float = 0.0) -> None:
        """Posts come for this keyword text, in so many seconds."""
        since = self._clock.seconds() + after
        self._in_force = text, since
        line = entries.KeywordsInForce(text=text, since=entries.moment(since))
        self._said = [*self._said[:1], line]
        self._note(line)

    def heard(self, backfill: int | None = None, after: float = 0.0) -> None:
        """
        The stream is heard, and brings what was asked for, in so many seconds.  X was asked for
        `backfill` minutes before, if any.
        """
        self._end_gap(backfill, after)

    def continues(self, former: "CaptureLog") -> None:
        """Another account ends, the stream that it had is heard, and what it had in force is."""
        self._end_gap()
        if former._in_force is not None:
            text, since = former._in_force
            self.in_force(text, max(0.0, since - self._clock.seconds()))

    def restate(self) -> None:
        """The ledger begins anew: say how things stand, for whoever has only this one."""
        if self._status is None:
            return
        self._note(entries.CaptureStart(because="resumed", status=self._status))
        for line in self._said:
            self._note(line)
        if self._coverage.missing is None:
            self._miss(self._clock.seconds(), START, "the ledger was begun anew")
            self._end_gap()

    def unheard(self, ending: Ending) -> None:
        """The stream is heard no more.  What it has brought is written before the line says so."""
        unwritten = self._unwritten_since()
        now = self._clock.seconds()
        self._heard = now - ending.silent if unwritten is None else unwritten
        self._note(attrs.evolve(ending, silent=max(0.0, now - self._heard)).for_ledger())
        if ending.unread:
            self._miss(self._heard, DISK, "nothing was read while the disk took no posts")
        elif ending.cause not in ON_PURPOSE:
            self._miss(self._heard, ending.cause, ending.detail)

    def relieved(self, ending: Ending, overlap: float) -> None:
        """One of two streams is heard no more, and the other is: nothing is missing."""
        line = ending.for_ledger()
        self._note(msgspec.structs.replace(line, overlap=round(overlap, 3)))

    def not_reached(self, ending: Ending) -> None:
        """An attempt to connect has failed."""
        explanation = ending.refusal.explanation if ending.refusal else None
        self._coverage.tried(ending.status, explanation or None)
        self._note(ending.for_ledger())

    def clock_stepped(self, seconds: float) -> None:
        """The clock has been set by `seconds`."""
        self._heard += seconds
        self._coverage.clock_stepped(seconds)
        self._note(entries.ClockStep(seconds=round(seconds, 3)))

    def _miss(self, begin: float, cause: str, detail: str) -> None:
        self._coverage.begins(Missing(begin, cause, detail, self._keywords))

    def _end_gap(self, backfill: int | None = None, after: float = 0.0) -> None:
        now = self._clock.seconds() if self._ceased is None else self._ceased
        gap = self._coverage.ends(now + after, backfill)
        if gap is not None:
            self._note(gap)
