"""
What brings a capture its posts: the protocol, and a feed with a stream of its own.

Knows the order of things at a keyword change and at a stop; neither disk nor server.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from tcclient import entries, keywords
from tcclient.archive import Archive
from tcclient.backoff import ChangeLimit
from tcclient.connection import Ending
from tcclient.intake import Intake
from tcclient.keywords import Limits, Query, Refused, Understood
from tcclient.messages import Overlong
from tcclient.stream import CaptureStream, Upstream
from tcclient.troublelog import TroubleLog

log = Logger()

STOPPED = Ending("stopped", "the capture was stopped")
REKEYED = Ending("keywords", "the keywords were changed")


class Owner(Protocol):
    """The capture that a feed is for."""

    archive: Archive | None

    def connected(self) -> object:
        """The stream is open."""


class Feed(Protocol):
    """Brings one capture its posts.  A service, below its capture's session."""

    @property
    def streaming(self) -> bool:
        """Whether the stream is open."""

    @property
    def quiet(self) -> bool:
        """Whether there is no stream, and none is being asked for."""

    @property
    def silent(self) -> float | None:
        """As Supply."""

    def ask(self, text: str | None) -> Understood:
        """Bring what the keyword text asks for from now on.  Returns how it was understood."""

    async def cease(self) -> None:
        """Bring nothing more.  Returns when the last post has been stored."""

    def hold(self, by: object) -> None:
        """As Supply."""

    def release(self, by: object) -> None:
        """As Supply."""

    def setServiceParent(self, parent: Any) -> None:
        """As IService."""


class Feeds(Protocol):
    """Where captures get their feeds."""

    most_captures: int | None
    """How many captures may run at the same time; None: any number."""

    def feed_for(self, job_id: int, owner: Owner) -> Feed:
        """A feed for a capture that begins."""

    def part(self) -> None:
        """The process ends: what is ceased from now on will be asked for again."""


class OwnFeeds:
    """v1.1: a stream for each capture, and one stream for each set of credentials."""

    most_captures: int | None = 1

    def __init__(self, upstream: Upstream[Query], limits: Limits) -> None:
        self.upstream = upstream
        self.limits = limits
        self.changes = ChangeLimit()

    def feed_for(self, job_id: int, owner: Owner) -> "OwnFeed":
        """As Feeds."""
        return OwnFeed(self, owner)

    def part(self) -> None:
        """As Feeds; v1.1 keeps nothing for the next start."""


class OwnFeed(MultiService):
    """A stream for one capture, replaced by another one when the keywords change."""

    def __init__(self, feeds: OwnFeeds, owner: Owner) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._upstream = upstream = feeds.upstream
        self._limits = feeds.limits
        self._changes = feeds.changes
        self._clock = upstream.clock
        self._owner = owner
        self._stream: CaptureStream[Query] | None = None
        self._held_by: set[object] = set()
        self._asked = False  # for any stream, since the capture was started
        self._text: str | None = None
        self._news = False  # of the keyword text: the stream has not been heard with it
        self._wanted: Query | None = None
        self._turn = DeferredLock()
        self._later: IDelayedCall | None = None
        self._intake = Intake(upstream.source, self._end)
        self._trouble = TroubleLog(upstream.clock)

    @property
    def streaming(self) -> bool:
        return self._stream is not None and self._stream.connected

    @property
    def quiet(self) -> bool:
        return self._stream is None

    @property
    def silent(self) -> float | None:
        """As Supply."""
        stream = self._stream
        return stream.silent if stream is not None and stream.is_heard else None

    def ask(self, text: str | None) -> Understood:
        """As Feed; the stream is replaced at once, or later where that happens too often."""
        reading = keywords.read(text, self._limits)
        self._wanted, self._text = reading.query, text
        self._take_turn_in_time()
        return Understood(reading.query, reading.refused)

    async def cease(self) -> None:
        """As Feed."""
        self._wanted = None
        await self._take_turn(STOPPED)
        self._asked = False

    def hold(self, by: object) -> None:
        """As Supply."""
        self._held_by.add(by)
        self._read_or_not()

    def release(self, by: object) -> None:
        """As Supply."""
        self._held_by.discard(by)
        self._read_or_not()

    def _read_or_not(self) -> None:
        if self._stream is not None:
            (self._stream.hold if self._held_by else self._stream.release)()

    def stream_opened(self) -> None:
        """As Listener."""
        archive = self._owner.archive
        if self._stream is None or archive is None:
            return
        query = self._stream.query
        endpoint = self._upstream.source.endpoint(query)
        archive.note(
            entries.Connected(
                endpoint=endpoint,
                status=200,
                failed_attempts=self._trouble.attempts,
                asked=query.for_ledger(),
            )
        )
        self._trouble.opened([archive.name], f"{endpoint}, {query}")
        self._intake.connected()
        self._owner.connected()

    def stream_heard(self) -> None:
        """As Listener."""
        archive = self._owner.archive
        if archive is not None:
            archive.chronicle.heard()
            if self._news:
                archive.chronicle.in_force(self._text)
            self._news = False

    def stream_received(self, messages: list[bytes | Overlong]) -> None:
        """As Listener."""
        if self._owner.archive is not None:
            self._intake.take(self._owner.archive, messages)

    def stream_ended(self, ending: Ending) -> None:
        """As Listener."""
        archive = self._owner.archive
        if archive is None:
            return
        news = self._trouble.ended([archive.name], ending)
        if ending.was_connected:
            archive.chronicle.unheard(ending)
        else:
            archive.chronicle.not_reached(ending, news=news)

    def _end(self, ending: Ending) -> None:
        if self._stream is not None:
            self._stream.end(ending)

    def _take_turn_in_time(self) -> None:
        """Switch to the wanted query: at once, or when keywords have changed too often, later."""
        now = self._clock.seconds()
        same = self._stream is not None and self._stream.query.same_as(self._wanted)
        costs_a_connect = self._asked and self._wanted is not None and not same
        delay = self._changes.delay(now) if costs_a_connect else 0.0
        if delay <= 0:
            self._take_turn(REKEYED).addErrback(
                lambda failure: log.failure("The stream could not be switched.", failure)
            )
        elif self._later is None:
            log.warn(
                "Keywords change often: the next change takes effect in {delay:.0f} s, together "
                "with all that come until then.",
                delay=delay,
            )
            self._later = self._clock.callLater(delay, self._turn_is_due)

    def _turn_is_due(self) -> None:
        self._later = None
        self._take_turn_in_time()

    def _take_turn(self, ending: Ending) -> Deferred[None]:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        return self._turn.run(lambda: Deferred.fromCoroutine(self._switch(ending)))

    async def _switch(self, ending: Ending) -> None:
        """From the stream that is there to the one that is wanted by then."""
        old = self._stream
        if old is not None:
            if old.query.same_as(self._wanted):
                return
            await old.hang_up(ending)
            await maybeDeferred(old.disownServiceParent)
            self._stream = None
        if self._wanted is None:
            return
        if self._asked:
            self._changes.made(self._clock.seconds())
        self._asked = self._news = True
        self._stream = CaptureStream(self._upstream, self._wanted, self)
        self._read_or_not()
        self._stream.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated


def say_refused(name: str, refused_terms: Sequence[Refused], most: int = 20) -> None:
    """Say which terms of the capture `name` are left out, and why."""
    for refused in refused_terms[:most]:
        log.warn(
            "Capture {name!r}: the term {term!r} is left out: {reason}.",
            name=name,
            term=refused.term[:80],
            reason=refused.reason,
        )
    more = len(refused_terms) - most
    if more > 0:
        log.warn(
            "Capture {name!r}: {n} more terms are left out; the ledger lists them.",
            name=name,
            n=more,
        )
