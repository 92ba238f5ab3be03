"""
The take-over at a change of keywords on v1.1: the stream for the old keywords is read until the one
for the new keywords brings posts.

Twitter ends an older connection when a newer one is made, and a post may come over both.  Knows
which of the two streams counts and how long the other is read; of posts only whether they are new.
"""

from typing import Protocol

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from tcclient.ledger.endings import REKEYED, Ending
from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.runtime.producers import Pausable
from tcclient.sources.source import Subscriber
from tcclient.sources.twitter_v1.keywordstream import KeywordStream, KeywordStreamListener
from tcclient.sources.twitter_v1.limits import Undelivered
from tcclient.sources.twitter_v1.overlap import Overlap
from tcclient.sources.twitter_v1.query import Query
from tcclient.sources.twitter_v1.troubles import DUPLICATE
from tcclient.stream.capturestream import Upstream
from tcclient.stream.framing import Overlong

log = Logger()

OVERLAP = 5.0
"""
Seconds for which the old stream is read beside the new one; and, once the old one has ended,
seconds for which a post that it brought may still come over the new one.
"""
MOST_IN_VAIN = 3
"""
How often Twitter may call the new stream one too many.  Then the old stream, which is in its way,
is ended.
"""
AHEAD = 1.0
"""Seconds before the new stream's next attempt at which the old one is ended then."""


class TakeOverListener(Protocol):
    """What the streams of a capture, taken together, report to."""

    def opened(self, stream: KeywordStream) -> None:
        """Called when the answer to a stream's request is 200."""

    def heard(self, stream: KeywordStream) -> None:
        """Called when posts come for the stream's keywords from now on."""

    def came_twice(self, posts: int) -> None:
        """Called when an overlap is over, with how many posts came over both streams."""

    def ended(self, stream: KeywordStream, ending: Ending) -> None:
        """
        Called when a connection has ended, or an attempt to make one has failed, and no stream is
        heard.
        """

    def relieved(self, stream: KeywordStream, ending: Ending, overlap: float) -> None:
        """
        Called when a connection has ended, or an attempt to make one has failed, while another
        stream is heard.  Both were open for `overlap` seconds.
        """


class TakeOver(MultiService, KeywordStreamListener, Pausable):
    """
    The one or two streams of a capture.  `newest` is the stream for the wanted keywords.  `former`
    is the one before it: it counts as long as the newest is not heard, and is read to its end
    afterwards.
    """

    def __init__(
        self, upstream: Upstream[Query], listener: TakeOverListener, subscriber: Subscriber
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self.newest: KeywordStream | None = None
        self.former: KeywordStream | None = None
        self._upstream = upstream
        self._clock = upstream.clock
        self._listener = listener
        self._subscriber = subscriber
        self._undelivered = Undelivered()
        self._overlap: Overlap | None = None
        self._farewell: IDelayedCall | None = None
        self._is_paused = False

    @property
    def streaming(self) -> bool:
        """Whether a stream is open."""
        return any(stream.service.connected for stream in self._streams())

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte of any stream; None where no stream is heard."""
        heard = [one.service for one in self._streams() if one.is_heard]
        return min((service.silent for service in heard), default=None)

    def pauseProducing(self) -> None:
        """Read no stream, and open none, until resumeProducing()."""
        self._is_paused = True
        for stream in self._streams():
            stream.service.pauseProducing()

    def resumeProducing(self) -> None:
        """Read the streams again."""
        self._is_paused = False
        for stream in self._streams():
            stream.service.resumeProducing()

    def has(self, query: Query | None) -> bool:
        """
        Return whether `query` takes no further connect: it is being asked for, or the former stream
        has it, and the newest has not asked for anything else yet.
        """
        newest = self.newest
        if newest is not None and (newest.service.reaches or newest.query.same_as(query)):
            return newest.query.same_as(query)
        return self._can_go_back_to(query)

    def brings(self, query: Query | None) -> bool:
        """Return whether posts come for `query`, and nothing else is being asked for."""
        newest = self.newest
        return newest is not None and newest.is_heard and newest.query.same_as(query)

    def in_the_way(self, query: Query | None) -> KeywordStream | None:
        """
        Return the stream that has to end before `query` can be asked for beside the one that is
        heard; None where there is none.
        """
        newest, former = self.newest, self.former
        if query is None:
            # In this order no keywords are said to be in force for a moment.
            return former or newest
        if newest is None or newest.query.same_as(query):
            return None
        if former is not None:
            return former if newest.is_heard else newest
        return None if newest.service.connected else newest

    async def leave(self, stream: KeywordStream, ending: Ending) -> None:
        """End a stream.  Returns when nothing more will be heard of it."""
        stream.leaves = True
        if stream is self.newest and self.former is not None and stream.service.reaches:
            self.former.is_doomed = True
        await stream.service.hang_up(ending)
        await self._forget(stream)

    async def end(self, ending: Ending) -> None:
        """End all streams at once.  Returns when nothing more will be heard of them."""
        leaving = [Deferred.fromCoroutine(self.leave(one, ending)) for one in self._streams()]
        await gatherResults(leaving)
        self._close_overlap()

    def turn_to(self, query: Query, text: str | None) -> None:
        """
        Ask for `query`, as which `text` was understood, unless that is being done already.  No
        stream may be in its way.
        """
        if self.newest is None and self.former is not None and self._can_go_back_to(query):
            self._keep_former()
            self.newest, self.former = self.former, None
            self.newest.service.comes_back = True
        elif self.newest is None or not self.newest.query.same_as(query):
            self._begin(self._new_stream(query, text))

    def opened(self, stream: KeywordStream) -> None:
        """Pass on that the answer is 200."""
        self._listener.opened(stream)

    def heard(self, stream: KeywordStream) -> None:
        """
        Let the new stream take over, and the old one be read for OVERLAP seconds more at most.
        """
        if stream is self.former and self._has_taken_over():
            return
        if stream is self.newest and self.former is not None:
            self._dismiss(self.former, OVERLAP)
        self._listener.heard(stream)
        self._date_overlap()

    def new_among(self, messages: list[bytes | Overlong]) -> list[bytes | Overlong]:
        """Return the messages without the posts that came over the other stream before."""
        overlap, newest = self._overlap, self.newest
        if overlap is None:
            return messages
        if overlap.until is not None and self._clock.seconds() >= overlap.until:
            self._close_overlap()
        elif newest is not None and newest.service.reaches:
            return overlap.new_among(messages)
        return messages

    def ended(self, stream: KeywordStream, ending: Ending) -> None:
        """
        Pass on the ending, with whether another stream is heard, and go back to the former one if
        need be.
        """
        was_former = stream is self.former
        other = self.newest if was_former else self.former
        if was_former:
            ending = self._as_replaced(stream, ending)
            self._forget(stream)
        if other is None or not other.is_heard:
            self._listener.ended(stream, ending)
            return
        overlap = self._clock.seconds() - max(stream.opened_at, other.opened_at)
        self._listener.relieved(stream, ending, max(0.0, overlap))
        if was_former:
            self._date_overlap()
        else:
            self._fall_back(stream, other, ending)

    def _begin(self, stream: KeywordStream) -> None:
        """Start a stream as the newest; the one that counted before, if any, becomes the former."""
        self.newest, self.former = stream, self.newest or self.former
        if self.former is not None:
            self.former.service.comes_back = False
            self._overlap = self._overlap or Overlap()
            self._overlap.until = None
        if self._is_paused:
            stream.service.pauseProducing()
        stream.service.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated

    def _new_stream(self, query: Query, text: str | None) -> KeywordStream:
        return KeywordStream(self._upstream, query, text, self, self._subscriber, self._undelivered)

    def _streams(self) -> list[KeywordStream]:
        return [stream for stream in (self.former, self.newest) if stream is not None]

    def _has_taken_over(self) -> bool:
        return self.newest is not None and self.newest.is_heard

    def _can_go_back_to(self, query: Query | None) -> bool:
        former = self.former
        return former is not None and not former.is_doomed and former.query.same_as(query)

    def _as_replaced(self, former: KeywordStream, ending: Ending) -> Ending:
        """
        Return how the former stream ended.  If Twitter ended it in favour of a newer one, that is
        no trouble.
        """
        rival = former.is_doomed or (self.newest is not None and self.newest.service.reaches)
        if rival and (ending.cause == "closed" or ending.trouble is DUPLICATE):
            # What Twitter has sent over a stream given up before its answer came is missing too.
            silent = ending.silent + IN_FLIGHT if former.is_doomed else ending.silent
            return attrs.evolve(REKEYED, incomplete=ending.incomplete, silent=silent)
        return ending

    def _fall_back(self, newest: KeywordStream, former: KeywordStream, ending: Ending) -> None:
        """
        Go on with the former stream, which is heard, as the newest is not heard any more, or not
        yet.
        """
        if former.leaves:
            return
        self._keep_former()
        if not newest.is_news:
            newest.is_news = former.is_news = True
            self._listener.heard(former)
        if newest.one_too_many >= MOST_IN_VAIN and ending.wait is not None:
            self._dismiss(former, max(0.0, ending.wait - AHEAD))

    def _dismiss(self, former: KeywordStream, seconds: float) -> None:
        """End the former stream in so many seconds, if it has not ended by itself."""
        self._keep_former()
        self._farewell = self._clock.callLater(seconds, self._end_former, former)

    def _keep_former(self) -> None:
        """Do not end the former stream, if that was planned."""
        farewell, self._farewell = self._farewell, None
        if farewell is not None:
            farewell.cancel()

    def _end_former(self, former: KeywordStream) -> None:
        self._farewell = None
        if self._is_paused:
            self._dismiss(former, OVERLAP)  # what has arrived before is still to be read
            return
        Deferred.fromCoroutine(self.leave(former, REKEYED)).addErrback(
            lambda failure: log.failure("The old stream could not be ended.", failure)
        )

    def _forget(self, stream: KeywordStream) -> Deferred[None]:
        """Take a stream out of the service, if it is still there.  Fires when that is done."""
        if stream is self.newest:
            self.newest = None
        elif stream is self.former:
            self.former = None
            self._keep_former()
        else:
            return succeed(None)
        return maybeDeferred(stream.service.disownServiceParent)

    def _date_overlap(self) -> None:
        """
        Set when the overlap is over: OVERLAP seconds after the former stream is gone and the newest
        is heard.
        """
        if self._overlap is not None and self.former is None and self._has_taken_over():
            self._overlap.until = self._clock.seconds() + OVERLAP

    def _close_overlap(self) -> None:
        """End the overlap, and say how many posts came twice, if any did."""
        overlap, self._overlap = self._overlap, None
        if overlap is not None and overlap.twice:
            self._listener.came_twice(overlap.twice)
