"""
The take-over at a change of keywords on v1.1: the stream for the old keywords is read until the one
for the new keywords brings posts.

Twitter ends an older connection when a newer one is made, and a post may come over both.  Knows how
streams are started and ended; which of two counts is decided by `succession`.
"""

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred, succeed
from twisted.logger import Logger

from tcclient.ledger.endings import REKEYED, Ending
from tcclient.runtime.producers import Pausable
from tcclient.runtime.timers import Timers
from tcclient.sources.again import Again
from tcclient.sources.source import Subscriber
from tcclient.sources.twitter_v1.keywordstream import KeywordStream, KeywordStreamListener
from tcclient.sources.twitter_v1.limits import Undelivered
from tcclient.sources.twitter_v1.query import Query
from tcclient.sources.twitter_v1.succession import OVERLAP, Succession, TakeOverListener, machine
from tcclient.stream.capturestream import Upstream

log = Logger()


class TakeOver(MultiService, KeywordStreamListener, Pausable):
    """
    The one or two streams of a capture.  `newest` is the stream for the wanted keywords.  `former`
    is the one before it: it counts as long as the newest is not heard, and is read to its end
    afterwards.
    """

    def __init__(
        self,
        upstream: Upstream[Query],
        listener: TakeOverListener,
        subscriber: Subscriber,
        again: Again,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._upstream = upstream
        self._clock = upstream.clock
        self._listener = listener
        self._subscriber = subscriber
        self._again = again
        self._shared = Undelivered(), again  # by all streams of the capture
        self._is_paused = False
        clock = upstream.clock
        self._core = Succession(clock, Timers(clock), listener, self._end_former)
        self._succession = machine(self._core)

    @property
    def newest(self) -> KeywordStream | None:
        """The stream for the wanted keywords; None where there is none."""
        return self._core.newest

    @property
    def streaming(self) -> bool:
        """Whether a stream is open."""
        return any(stream.service.connected for stream in self._streams())

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte of any stream; None where no stream is heard."""
        heard = [one.service for one in self._streams() if one.service.is_heard]
        return min((service.silent for service in heard), default=None)

    def slept(self, seconds: float) -> None:
        """Tell the streams that the machine slept."""
        for stream in self._streams():
            stream.service.slept(seconds)

    def pauseProducing(self) -> None:
        self._is_paused = True
        for stream in self._streams():
            stream.service.pauseProducing()

    def resumeProducing(self) -> None:
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
        return newest is not None and newest.service.is_heard and newest.query.same_as(query)

    def in_the_way(self, query: Query | None) -> KeywordStream | None:
        """
        Return the stream that has to end before `query` can be asked for beside the one that is
        heard; None where there is none.
        """
        newest, former = self.newest, self._core.former
        if query is None:
            # In this order no keywords are said to be in force for a moment.
            return former or newest
        if newest is None or newest.query.same_as(query):
            return None
        if former is not None:
            return former if newest.service.is_heard else newest
        return None if newest.service.connected else newest

    async def leave(self, stream: KeywordStream, ending: Ending) -> None:
        """End a stream.  Returns when nothing more will be heard of it."""
        stream.leaves = True
        if stream is self.newest and self._core.former is not None and stream.service.reaches:
            self._core.former.is_doomed = True
        await stream.service.hang_up(ending)
        await self._forget(stream)

    async def end(self, ending: Ending) -> None:
        """End all streams at once.  Returns when nothing more will be heard of them."""
        leaving = [Deferred.fromCoroutine(self.leave(one, ending)) for one in self._streams()]
        await gatherResults(leaving)
        self._again.say()

    def turn_to(self, query: Query, text: str | None) -> None:
        """
        Ask for `query`, as which `text` was understood, unless that is being done already.  No
        stream may be in its way.
        """
        if self.newest is None and self._core.former is not None and self._can_go_back_to(query):
            self._succession.go_back()
        elif self.newest is None or not self.newest.query.same_as(query):
            subscriber, shared = self._subscriber, self._shared
            self._begin(KeywordStream(self._upstream, query, text, self, subscriber, *shared))

    def answered(self, stream: KeywordStream) -> Deferred[None]:
        """Expect posts that are stored already, or come over the other stream, from now on."""
        archive = self._subscriber.archive
        self._again.begin(remembers=self._core.former is not None)
        return succeed(None) if archive is None else self._again.recall(archive)

    def opened(self, stream: KeywordStream) -> None:
        self._listener.opened(stream)

    def heard(self, stream: KeywordStream) -> None:
        """Let the new stream take over, if it is heard."""
        if stream is self.newest:
            self._succession.newest_heard()
        elif stream is self._core.former:
            self._succession.former_heard()
        self._see_what_is_left()

    def ended(self, stream: KeywordStream, ending: Ending) -> None:
        """Go on with the other stream, if there is one, and pass on the ending."""
        if stream is self._core.former:
            self._succession.former_ended(stream, ending)
            # Whoever waits for that goes on here: outside of the machine, which must not be in the
            # middle of a transition then.
            maybeDeferred(stream.service.disownServiceParent)
        else:
            self._succession.newest_ended(stream, ending)
        self._see_what_is_left()
        self._again.say()

    def _begin(self, stream: KeywordStream) -> None:
        """Start a stream as the newest; the one that counted before, if any, becomes the former."""
        self._succession.begin(stream)
        if self._is_paused:
            stream.service.pauseProducing()
        stream.service.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated

    def _streams(self) -> list[KeywordStream]:
        return [stream for stream in (self._core.former, self.newest) if stream is not None]

    def _can_go_back_to(self, query: Query | None) -> bool:
        former = self._core.former
        return former is not None and not former.is_doomed and former.query.same_as(query)

    def _end_former(self, former: KeywordStream) -> None:
        if self._is_paused:
            self._core.dismiss_former(OVERLAP)  # what has arrived before is still to be read
            return
        Deferred.fromCoroutine(self.leave(former, REKEYED)).addErrback(
            lambda failure: log.failure("The old stream could not be ended.", failure)
        )

    def _forget(self, stream: KeywordStream) -> Deferred[None]:
        """Take a stream out of the service, if it is still there.  Fires when that is done."""
        if stream is self.newest:
            self._succession.newest_gone()
        elif stream is self._core.former:
            self._succession.former_gone()
        else:
            return succeed(None)
        self._see_what_is_left()
        return maybeDeferred(stream.service.disownServiceParent)

    def _see_what_is_left(self) -> None:
        """Date the end of the time in which posts may come again, if there are not two streams."""
        if self._core.former is None or self.newest is None or not self.newest.service.reaches:
            self._again.lasts()
