"""
v1.1 as a source: the feed of each capture has streams of its own, and when the keywords change, a
new one takes over.

Knows what the feeds share, and in what order things happen at a keyword change and at a stop; not
the disk, nor the server.
"""

from weakref import WeakSet

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from tcclient.control.reports import Glimpse
from tcclient.ledger import entries
from tcclient.ledger.endings import LEFT, REKEYED, STOPPED, Ending
from tcclient.runtime.timers import Timers
from tcclient.sources.again import Again
from tcclient.sources.changelimit import ChangeLimit
from tcclient.sources.doubts import doubts
from tcclient.sources.source import Feed, Source, Subscriber, Understood
from tcclient.sources.terms import say_delayed
from tcclient.sources.twitter_v1.glimpsing import glimpse
from tcclient.sources.twitter_v1.keywordstream import KeywordStream
from tcclient.sources.twitter_v1.query import LIMITS, SYNTAX, Query, read
from tcclient.sources.twitter_v1.succession import TakeOverListener
from tcclient.sources.twitter_v1.takeover import TakeOver
from tcclient.stream.capturestream import Upstream
from tcclient.stream.troublelog import TroubleLog

log = Logger()


ON_PURPOSE = {STOPPED.cause, LEFT.cause, REKEYED.cause}
"""Causes of endings that the client brought about itself, which are no trouble."""


class V1Feed(MultiService, Feed, TakeOverListener):
    """Brings one capture its posts; `shared` is what it shares with the feeds of other captures."""

    def __init__(self, shared: "V1Source", subscriber: Subscriber) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._shared = shared
        self._upstream = shared.upstream
        self._clock = shared.upstream.clock
        self._subscriber = subscriber
        self._asked = False  # whether a stream was asked for since the capture was started
        self._text: str | None = None
        self._wanted: Query | None = None
        self._turn = DeferredLock()
        self._timers = Timers(self._clock)
        again = Again(self._came_again, self._clock, keeps=shared.keeps_duplicates)
        self._takeover = TakeOver(shared.upstream, self, subscriber, again)
        self._takeover.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        self._trouble = TroubleLog(shared.upstream.clock)

    @property
    def streaming(self) -> bool:
        return self._takeover.streaming

    @property
    def quiet(self) -> bool:
        return self._takeover.newest is None

    @property
    def silent(self) -> float | None:
        return self._takeover.silent

    def ask(self, text: str | None) -> Understood:
        """
        Replace the stream by one for this keyword text, at once, or later if keywords change too
        often.  Return how the text was understood.
        """
        reading = read(text, LIMITS)
        self._wanted, self._text = reading.query, text
        self._take_turn_in_time()
        is_in_force = self._takeover.brings(reading.query)
        asked = None if reading.query is None else reading.query.for_ledger()
        return Understood(asked, reading.refused, is_in_force, doubts(text, SYNTAX))

    async def cease(self) -> None:
        """End all streams.  Returns when the last post has been stored."""
        self._wanted = None
        ending = LEFT if self._shared.parting else STOPPED
        await self._takeover.end(ending)
        await self._take_turn(ending)
        self._asked = False

    def pauseProducing(self) -> None:
        self._takeover.pauseProducing()

    def resumeProducing(self) -> None:
        self._takeover.resumeProducing()

    def slept(self, seconds: float) -> None:
        """Tell the streams that the machine slept."""
        self._takeover.slept(seconds)

    def opened(self, stream: KeywordStream) -> None:
        """Note in ledger and log that a stream is open, and tell the capture."""
        archive = self._subscriber.archive
        if archive is None:
            return
        endpoint = self._upstream.api.endpoint(stream.query)
        archive.note(
            entries.Connected(
                endpoint=endpoint,
                status=200,
                failed_attempts=self._trouble.attempts,
                asked=stream.query.for_ledger(),
            )
        )
        self._trouble.opened([archive.name], f"{endpoint}, {stream.query}")
        self._subscriber.opened()

    def heard(self, stream: KeywordStream) -> None:
        """
        Note in the ledger that posts come, and, where that is news, since when the stream's
        keywords are in force.  What came while the answer was not read yet is read now.
        """
        archive, after = self._subscriber.archive, -stream.service.held_back
        if archive is not None:
            archive.capture_log.heard(after=after)
            if stream.is_news:
                archive.capture_log.in_force(stream.text, after)
            stream.is_news = False

    def ended(self, stream: KeywordStream, ending: Ending) -> None:
        """Note in ledger and log that no stream is heard, and why; or that an attempt failed."""
        archive = self._subscriber.archive
        if archive is None:
            return
        if stream is not self._takeover.newest and ending.cause not in ON_PURPOSE:
            self._trouble.lost([archive.name], ending)
        elif stream is not self._takeover.newest and self._takeover.newest is not None:
            log.info(
                "Capture {name!r}: the old stream has ended, and the new one has not answered yet.",
                name=archive.name,
            )
        self._trouble.ended([archive.name], ending)
        if ending.was_connected:
            archive.capture_log.unheard(ending)
        else:
            archive.capture_log.not_reached(ending)

    def relieved(self, stream: KeywordStream, ending: Ending, overlap: float) -> None:
        """Note in ledger and log that a stream ended while another one brings posts."""
        archive = self._subscriber.archive
        if archive is None:
            return
        self._trouble.held_up([archive.name], ending)
        if ending.was_connected:
            archive.capture_log.relieved(ending, overlap)
        else:
            archive.capture_log.not_reached(ending)

    def _came_again(self, line: entries.DeliveredAgain) -> None:
        if self._subscriber.archive is not None:
            self._subscriber.archive.note(line)

    def _take_turn_in_time(self) -> None:
        """Switch to the wanted query: at once, or later if keywords have changed too often."""
        delay = (
            self._shared.changes.delay(self._clock.seconds()) if self._costs_a_connect() else 0.0
        )
        if delay <= 0:
            self._take_turn(REKEYED).addErrback(
                lambda failure: log.failure("The stream could not be switched.", failure)
            )
        elif not self._timers.waits("turn"):
            say_delayed(delay)
            self._timers.start("turn", delay, self._take_turn_in_time)

    def _costs_a_connect(self) -> bool:
        """Return whether the wanted query takes a connect, and not the first of the capture."""
        return self._asked and self._wanted is not None and not self._takeover.has(self._wanted)

    def _take_turn(self, ending: Ending) -> Deferred[None]:
        """Switch when earlier switches are done; streams in the way end for the reason given."""
        self._timers.stop("turn")
        return self._turn.run(lambda: Deferred.fromCoroutine(self._switch(ending)))

    async def _switch(self, ending: Ending) -> None:
        """Go from the stream that there is to the one that is wanted when this is run."""
        while (stream := self._takeover.in_the_way(self._wanted)) is not None:
            await self._takeover.leave(stream, ending)
        if self._wanted is None:
            return
        if self._costs_a_connect():
            self._shared.changes.made(self._clock.seconds())
        self._asked = True
        self._takeover.turn_to(self._wanted, self._text)


class V1Source(Service, Source):
    """
    Gives each capture a feed, and is what the feeds share: the API with the waits that belong to
    its credentials, how often keywords have changed, and whether the process is about to end.  With
    `keeps_duplicates` a post that comes again is stored again.
    """

    most_captures: int | None = 1
    """Twitter allows one stream for each set of credentials."""

    def __init__(self, upstream: Upstream[Query], *, keeps_duplicates: bool = False) -> None:
        self.upstream = upstream
        self.keeps_duplicates = keeps_duplicates
        self.changes = ChangeLimit()
        self.parting = False
        self._feeds: WeakSet[V1Feed] = WeakSet()

    def feed_for(self, job_id: int, subscriber: Subscriber) -> V1Feed:
        feed = V1Feed(self, subscriber)
        self._feeds.add(feed)
        return feed

    def slept(self, seconds: float) -> None:
        """Tell all streams, and the wait that they share, that the machine slept."""
        self.upstream.backoff.slept(seconds)
        for feed in self._feeds:
            feed.slept(seconds)

    def glimpse(self, post: bytes) -> Glimpse:
        return glimpse(post)

    def part(self) -> None:
        """Let the streams that end from now on say that the client ends, not the capture."""
        self.parting = True
