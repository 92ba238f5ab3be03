"""
The streams of one capture on v1.1: one, and at a change of keywords two, until the new one has
taken over from the old one.

Twitter ends an older connection when a newer one is made, and a post may come over both.  Knows
which of the two counts and how long the other is read; nothing of posts but whether they are new.
"""

from typing import Protocol

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.runtime.backoff import Trouble
from tcclient.sources.keywords import Query
from tcclient.sources.twitter_v1.keywordstream import Strand
from tcclient.sources.twitter_v1.limits import Undelivered
from tcclient.sources.twitter_v1.overlap import Seam
from tcclient.stream.capturestream import Upstream
from tcclient.stream.connection import Ending
from tcclient.stream.messages import Overlong

log = Logger()

REKEYED = Ending("keywords", "the keywords were changed")

OVERLAP = 5.0
"""
Seconds for which the old stream is read beside the new one, and for which, when it has ended, a
post may still come over the new one that has come over it.
"""
MOST_IN_VAIN = 3
"""So often the new stream is one too many; then the old one, which is in its way, has to go."""
AHEAD = 1.0
"""Seconds before the next attempt at which it does."""


class Hearer(Protocol):
    """Who hears from the strands."""

    def opened(self, strand: Strand) -> None:
        """The answer is 200."""

    def heard(self, strand: Strand) -> None:
        """Posts come for the strand's keywords from now on."""

    def received(self, strand: Strand, messages: list[bytes | Overlong]) -> None:
        """Complete messages, in order, without the posts that have come over the other strand."""

    def came_twice(self, posts: int) -> None:
        """So many posts have come over both."""

    def ended(self, strand: Strand, ending: Ending) -> None:
        """A connection ended or an attempt failed, and no stream is heard."""

    def relieved(self, strand: Strand, ending: Ending, overlap: float) -> None:
        """The same, but another stream is heard; both were open for so many seconds."""


class Handover(MultiService):
    """
    `newest` is the strand for what is wanted.  `former` is the one before it: as long as the newest
    is not heard it is the one that counts, afterwards it is read to its end.
    """

    def __init__(self, upstream: Upstream[Query], hearer: Hearer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self.newest: Strand | None = None
        self.former: Strand | None = None
        self._upstream = upstream
        self._clock = upstream.clock
        self._hearer = hearer
        self._undelivered = Undelivered()
        self._seam: Seam | None = None
        self._farewell: IDelayedCall | None = None
        self._is_held = False

    @property
    def streaming(self) -> bool:
        """Whether a stream is open."""
        return any(strand.stream.connected for strand in self._strands())

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte; None where no stream is heard."""
        heard = [strand.stream for strand in self._strands() if strand.is_heard]
        return min((stream.silent for stream in heard), default=None)

    def hold(self) -> None:
        """Read nothing, and open nothing, until release()."""
        self._is_held = True
        for strand in self._strands():
            strand.stream.hold()

    def release(self) -> None:
        """Read on."""
        self._is_held = False
        for strand in self._strands():
            strand.stream.release()

    def has(self, query: Query | None) -> bool:
        """Whether `query` is what is asked for, or what is heard until that is."""
        newest = self.newest
        if newest is not None and (newest.stream.reaches or newest.query.same_as(query)):
            return newest.query.same_as(query)
        return self._can_go_back_to(query)

    def brings(self, query: Query | None) -> bool:
        """Whether `query` is what is heard, and all that is asked for."""
        newest = self.newest
        return newest is not None and newest.is_heard and newest.query.same_as(query)

    def in_the_way(self, query: Query | None) -> Strand | None:
        """Which strand has to leave before `query` can be asked for beside what is heard."""
        newest, former = self.newest, self.former
        if query is None:
            return former or newest  # in this order nobody is said to be in force for a moment
        if newest is None or newest.query.same_as(query):
            return None
        if former is not None:
            return former if newest.is_heard else newest
        return None if newest.stream.connected else newest

    async def leave(self, strand: Strand, ending: Ending) -> None:
        """End a strand.  Returns when nothing more will be heard of it."""
        strand.leaves = True
        if strand is self.newest and self.former is not None and strand.stream.reaches:
            self.former.is_doomed = True
        await strand.stream.hang_up(ending)
        await self._forget(strand)

    async def end(self, ending: Ending) -> None:
        """End all strands at once.  Returns when nothing more will be heard."""
        leaving = [Deferred.fromCoroutine(self.leave(one, ending)) for one in self._strands()]
        await gatherResults(leaving)
        self._close_seam()

    def turn_to(self, query: Query, text: str | None) -> None:
        """Ask for `query`, which nothing is in the way of, unless that is being done already."""
        if self.newest is None and self.former is not None and self._can_go_back_to(query):
            self.newest, self.former = self.former, None
            self.newest.stream.comes_back = True
        elif self.newest is None or not self.newest.query.same_as(query):
            self._begin(Strand(self._upstream, query, text, self, self._undelivered))

    def opened(self, strand: Strand) -> None:
        """As Owner of a strand."""
        self._hearer.opened(strand)

    def heard(self, strand: Strand) -> None:
        """As Owner of a strand."""
        if strand is self.former and self._has_taken_over():
            return
        if strand is self.newest and self.former is not None:
            self._dismiss(self.former, OVERLAP)
        self._hearer.heard(strand)
        self._date_seam()

    def received(self, strand: Strand, messages: list[bytes | Overlong]) -> None:
        """As Owner of a strand."""
        seam, newest = self._seam, self.newest
        if seam is not None and seam.until is not None and self._clock.seconds() >= seam.until:
            self._close_seam()
        elif seam is not None and newest is not None and newest.stream.reaches:
            messages = seam.new_among(messages)
        if messages:
            self._hearer.received(strand, messages)

    def ended(self, strand: Strand, ending: Ending) -> None:
        """As Owner of a strand."""
        was_former = strand is self.former
        other = self.newest if was_former else self.former
        if was_former:
            ending = self._as_replaced(strand, ending)
            self._forget(strand)
        if other is None or not other.is_heard:
            self._hearer.ended(strand, ending)
            return
        overlap = self._clock.seconds() - max(strand.opened_at, other.opened_at)
        self._hearer.relieved(strand, ending, max(0.0, overlap))
        if was_former:
            self._date_seam()
        else:
            self._fall_back(strand, other, ending)

    def _begin(self, strand: Strand) -> None:
        self.newest, self.former = strand, self.newest or self.former
        if self.former is not None:
            self.former.stream.comes_back = False
            self._seam = self._seam or Seam()
            self._seam.until = None
        if self._is_held:
            strand.stream.hold()
        strand.stream.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated

    def _strands(self) -> list[Strand]:
        return [strand for strand in (self.former, self.newest) if strand is not None]

    def _has_taken_over(self) -> bool:
        return self.newest is not None and self.newest.is_heard

    def _can_go_back_to(self, query: Query | None) -> bool:
        former = self.former
        return former is not None and not former.is_doomed and former.query.same_as(query)

    def _as_replaced(self, former: Strand, ending: Ending) -> Ending:
        """How the former ended: that Twitter ended it for the newest is no trouble."""
        rival = former.is_doomed or (self.newest is not None and self.newest.stream.reaches)
        if rival and (ending.cause == "closed" or ending.trouble is Trouble.DUPLICATE):
            # What Twitter has sent over one that was given up before it answered is missing too.
            silent = ending.silent + IN_FLIGHT if former.is_doomed else ending.silent
            return attrs.evolve(REKEYED, incomplete=ending.incomplete, silent=silent)
        return ending

    def _fall_back(self, newest: Strand, former: Strand, ending: Ending) -> None:
        """The newest is heard no more, or still not, and the former is."""
        if former.leaves:
            return
        self._keep_former()
        if not newest.is_news:
            newest.is_news = former.is_news = True
            self._hearer.heard(former)
        if newest.one_too_many >= MOST_IN_VAIN and ending.wait is not None:
            self._dismiss(former, max(0.0, ending.wait - AHEAD))

    def _dismiss(self, former: Strand, seconds: float) -> None:
        """The former is read for so long at the most."""
        self._keep_former()
        self._farewell = self._clock.callLater(seconds, self._end_former, former)

    def _keep_former(self) -> None:
        farewell, self._farewell = self._farewell, None
        if farewell is not None:
            farewell.cancel()

    def _end_former(self, former: Strand) -> None:
        self._farewell = None
        if self._is_held:
            self._dismiss(former, OVERLAP)  # what has arrived before is still to be read
            return
        Deferred.fromCoroutine(self.leave(former, REKEYED)).addErrback(
            lambda failure: log.failure("The old stream could not be ended.", failure)
        )

    def _forget(self, strand: Strand) -> Deferred[None]:
        if strand is self.newest:
            self.newest = None
        elif strand is self.former:
            self.former = None
            self._keep_former()
        else:
            return succeed(None)
        return maybeDeferred(strand.stream.disownServiceParent)

    def _date_seam(self) -> None:
        """From when the former is gone and the newest is heard, no post comes twice for long."""
        if self._seam is not None and self.former is None and self._has_taken_over():
            self._seam.until = self._clock.seconds() + OVERLAP

    def _close_seam(self) -> None:
        seam, self._seam = self._seam, None
        if seam is not None and seam.twice:
            self._hearer.came_twice(seam.twice)
