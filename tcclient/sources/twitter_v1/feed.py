"""
What brings a capture its posts: the protocol, and a feed with a stream of its own.

Knows the order of things at a keyword change and at a stop; neither disk nor server.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from tcclient.ledger import entries
from tcclient.runtime.backoff import ChangeLimit
from tcclient.sources import keywords
from tcclient.sources.keywords import Limits, Query, Refused, Understood
from tcclient.sources.twitter_v1.keywordstream import Strand
from tcclient.sources.twitter_v1.takeover import REKEYED, Handover
from tcclient.storage.archive import Archive
from tcclient.stream.capturestream import Upstream
from tcclient.stream.connection import Ending
from tcclient.stream.messages import Overlong
from tcclient.stream.troublelog import TroubleLog

log = Logger()

STOPPED = Ending("stopped", "the capture was stopped")
PARTED = Ending("left", "the client ends")
ON_PURPOSE = {STOPPED.cause, PARTED.cause, REKEYED.cause}
"""Causes of ends that were meant to be."""


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

    def forget(self) -> None:
        """Leave nothing at the source of what an earlier process asked for: it is not wanted."""

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
        self.parting = False

    def feed_for(self, job_id: int, owner: Owner) -> "OwnFeed":
        """As Feeds."""
        return OwnFeed(self, owner)

    def part(self) -> None:
        """As Feeds."""
        self.parting = True


class OwnFeed(MultiService):
    """Streams for one capture, of which a new one takes over when the keywords change."""

    def __init__(self, feeds: OwnFeeds, owner: Owner) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._feeds = feeds
        self._upstream = feeds.upstream
        self._limits = feeds.limits
        self._changes = feeds.changes
        self._clock = feeds.upstream.clock
        self._owner = owner
        self._asked = False  # for any stream, since the capture was started
        self._text: str | None = None
        self._wanted: Query | None = None
        self._turn = DeferredLock()
        self._later: IDelayedCall | None = None
        self._held_by: set[object] = set()
        self._handover = Handover(feeds.upstream, self)
        self._handover.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        self._trouble = TroubleLog(feeds.upstream.clock)

    @property
    def streaming(self) -> bool:
        return self._handover.streaming

    @property
    def quiet(self) -> bool:
        return self._handover.newest is None

    @property
    def silent(self) -> float | None:
        """As Supply."""
        return self._handover.silent

    def ask(self, text: str | None) -> Understood:
        """As Feed; the stream is replaced at once, or later where that happens too often."""
        reading = keywords.read(text, self._limits)
        self._wanted, self._text = reading.query, text
        self._take_turn_in_time()
        is_in_force = self._handover.brings(reading.query)
        return Understood(reading.query, reading.refused, is_in_force)

    async def cease(self) -> None:
        """As Feed."""
        self._wanted = None
        ending = PARTED if self._feeds.parting else STOPPED
        await self._handover.end(ending)
        await self._take_turn(ending)
        self._asked = False

    def forget(self) -> None:
        """As Feed: a stream ends with its process, and leaves nothing."""

    def hold(self, by: object) -> None:
        """As Supply."""
        self._held_by.add(by)
        self._handover.hold()

    def release(self, by: object) -> None:
        """As Supply."""
        self._held_by.discard(by)
        if not self._held_by:
            self._handover.release()

    def opened(self, strand: Strand) -> None:
        """As Hearer."""
        archive = self._owner.archive
        if archive is None:
            return
        endpoint = self._upstream.source.endpoint(strand.query)
        archive.note(
            entries.Connected(
                endpoint=endpoint,
                status=200,
                failed_attempts=self._trouble.attempts,
                asked=strand.query.for_ledger(),
            )
        )
        self._trouble.opened([archive.name], f"{endpoint}, {strand.query}")
        self._owner.connected()

    def heard(self, strand: Strand) -> None:
        """As Hearer."""
        archive = self._owner.archive
        if archive is not None:
            archive.chronicle.heard()
            if strand.is_news:
                archive.chronicle.in_force(strand.text)
            strand.is_news = False

    def received(self, strand: Strand, messages: list[bytes | Overlong]) -> None:
        """As Hearer."""
        if self._owner.archive is not None:
            strand.intake.take(self._owner.archive, messages)

    def came_twice(self, posts: int) -> None:
        """As Hearer."""
        if self._owner.archive is not None:
            self._owner.archive.note(entries.DeliveredAgain(posts=posts))

    def ended(self, strand: Strand, ending: Ending) -> None:
        """As Hearer."""
        archive = self._owner.archive
        if archive is None:
            return
        if strand is not self._handover.newest and ending.cause not in ON_PURPOSE:
            self._trouble.lost([archive.name], ending)
        elif strand is not self._handover.newest and self._handover.newest is not None:
            log.info(
                "Capture {name!r}: the old stream has ended, and the new one has not answered yet.",
                name=archive.name,
            )
        self._trouble.ended([archive.name], ending)
        if ending.was_connected:
            archive.chronicle.unheard(ending)
        else:
            archive.chronicle.not_reached(ending)

    def relieved(self, strand: Strand, ending: Ending, overlap: float) -> None:
        """As Hearer."""
        archive = self._owner.archive
        if archive is None:
            return
        self._trouble.held_up([archive.name], ending)
        if ending.was_connected:
            archive.chronicle.relieved(ending, overlap)
        else:
            archive.chronicle.not_reached(ending)

    def _take_turn_in_time(self) -> None:
        """Switch to the wanted query: at once, or when keywords have changed too often, later."""
        delay = self._changes.delay(self._clock.seconds()) if self._costs_a_connect() else 0.0
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

    def _costs_a_connect(self) -> bool:
        """Whether the wanted query does, beyond the one that every capture begins with."""
        return self._asked and self._wanted is not None and not self._handover.has(self._wanted)

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
        while (leaver := self._handover.in_the_way(self._wanted)) is not None:
            await self._handover.leave(leaver, ending)
        if self._wanted is None:
            return
        if self._costs_a_connect():
            self._changes.made(self._clock.seconds())
        self._asked = True
        self._handover.turn_to(self._wanted, self._text)


def say_refused(name: str, refused_terms: Sequence[Refused], most: int = 20) -> None:
    """Say which terms of the capture `name` are left out, and why."""
    for refused in refused_terms[:most]:
        log.warn(
            "Capture {name!r}: the term {term!r} is left out: {reason}.",
            name=name,
            term=refused.term[:80],
            reason=refused.reason.rstrip("."),
        )
    more = len(refused_terms) - most
    if more > 0:
        log.warn(
            "Capture {name!r}: {n} more terms are left out; the ledger lists them.",
            name=name,
            n=more,
        )
