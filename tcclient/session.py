"""
A job being captured: its stream, its keywords, its place on the disk.

Knows the order of things at a keyword change and at a stop; asks no server and decides no status.
"""

from collections.abc import Callable

import attrs
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.logger import Logger

from tcclient import keywords
from tcclient.archive import Archive, CannotStore, Shelf
from tcclient.backoff import ChangeLimit
from tcclient.connection import Ending
from tcclient.intake import Intake
from tcclient.jobs import Job
from tcclient.keywords import Query, Reading
from tcclient.messages import Overlong
from tcclient.stream import CaptureStream, Upstream
from tcclient.troublelog import TroubleLog

log = Logger()

FINISH_RETRY = 5.0
"""Seconds until a file that could not be finished at a stop is tried again."""

STOPPED = Ending("stopped", "the capture was stopped")
REKEYED = Ending("keywords", "the keywords were changed")

_UNREAD = object()


class Session(MultiService):
    """
    Made when a job is first wanted, kept until everything about it has been reported.  Its
    services are the current file and the stream, while there are such.

    `connected` is called each time the stream has been opened.
    """

    def __init__(
        self,
        shelf: Shelf,
        upstream: Upstream,
        changes: ChangeLimit,
        connected: Callable[[], object],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self.archive: Archive | None = None
        self._shelf = shelf
        self._upstream = upstream
        self.clock = upstream.clock
        self._changes = changes
        self._connected = connected
        self._stream: CaptureStream | None = None
        self._asked = False  # for any stream, since the capture was started
        self._wanted: Query | None = None
        self._turn = DeferredLock()
        self._later: IDelayedCall | None = None
        self._text: object = _UNREAD
        self._no_place_because = ""
        self._intake = Intake(upstream.source, self._end)
        self._trouble = TroubleLog(upstream.source, upstream.clock)

    @property
    def streaming(self) -> bool:
        """Whether the stream is open."""
        return self._stream is not None and self._stream.connected

    @property
    def quiet(self) -> bool:
        """Whether there is no stream, and none is being asked for."""
        return self._stream is None

    def find_place(self, job: Job) -> Archive | None:
        """The archive for `job`; None where there is no place for it, and the log says why."""
        if self.archive is not None and self.archive.name == job.name:
            return self.archive
        try:
            if self.archive is not None:
                self.archive.finish()
            archive = self._shelf.open(job)
        except (CannotStore, OSError) as e:
            if str(e) != self._no_place_because:
                log.error("Job {id} cannot be stored: {reason}", id=job.id, reason=str(e))
            self._no_place_because = str(e)
            return self.archive
        self.retire()
        self.archive, self._no_place_because = archive, ""
        archive.files.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        return archive

    def reopen(self, job: Job) -> None:
        """For a job that is to be stopped: find the place again that an earlier process left."""
        if self._shelf.knows(job):
            self.find_place(job)

    def run(self, job: Job) -> None:
        """Capture what `job` asks for.  Called with each new reading of it; cheap if the same."""
        archive = self.find_place(job)
        if archive is None:
            return
        if self._text is _UNREAD:
            archive.tally.resume(self.clock.seconds())
        if self._text != job.keywords:
            self._follow(archive, job.keywords)

    async def halt(self) -> None:
        """Stop.  Returns once the last byte is on disk under its final name."""
        self._text, self._wanted = _UNREAD, None
        await self._take_turn(STOPPED)
        self._asked = False
        while self.archive is not None:
            try:
                self.archive.finish()
            except OSError as e:
                log.error("Cannot finish a file; next try in {s:g} s: {e}", s=FINISH_RETRY, e=e)
                await deferLater(self.clock, FINISH_RETRY)
            else:
                return

    def retire(self) -> None:
        """Let go of the folder."""
        if self.archive is not None:
            self.archive.close()
            self.archive.files.disownServiceParent()  # type: ignore[no-untyped-call]  # not annotated
            self.archive = None

    def stream_opened(self) -> None:
        """As Listener."""
        if self._stream is None or self.archive is None:
            return
        query = self._stream.query
        endpoint = self._upstream.source.endpoint(query)
        self.archive.note(
            "connected",
            endpoint=endpoint,
            status=200,
            failed_attempts=self._trouble.attempts,
            **query.for_ledger(),
        )
        self._trouble.opened(self.archive.name, f"{endpoint}, {query}")
        self._intake.connected()
        self._connected()

    def stream_received(self, messages: list[bytes | Overlong]) -> None:
        """As Listener."""
        if self.archive is not None:
            self._intake.take(self.archive, messages)

    def stream_ended(self, ending: Ending) -> None:
        """As Listener."""
        if self.archive is None:
            return
        news = self._trouble.ended(self.archive.name, ending)
        if news or ending.was_connected:
            self.archive.note(
                "disconnected" if ending.was_connected else "not_connected", **ending.for_ledger()
            )

    def _end(self, ending: Ending) -> None:
        if self._stream is not None:
            self._stream.end(ending)

    def _follow(self, archive: Archive, text: str | None) -> None:
        """Read the keywords, say what is wrong with them, and ask for what is right."""
        reading = keywords.read(text, self._upstream.source.limits)
        first = self._text is _UNREAD
        before = None if first else self._text
        self._text = text
        archive.note(
            "keywords",
            before=before,
            after=text,
            refused=[attrs.asdict(refused) for refused in reading.refused],
            **(reading.query.for_ledger() if reading.query else {}),
        )
        if not first:
            log.info("Capture {name!r} has new keywords.", name=archive.name)
        _say_refused(archive.name, reading)
        self._wanted = reading.query
        self._take_turn_in_time()

    def _take_turn_in_time(self) -> None:
        """Switch to the wanted query: at once, or when keywords have changed too often, later."""
        now = self.clock.seconds()
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
            self._later = self.clock.callLater(delay, self._turn_is_due)

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
            self._changes.made(self.clock.seconds())
        self._asked = True
        self._stream = CaptureStream(self._upstream, self._wanted, self)
        self._stream.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated


def _say_refused(name: str, reading: Reading, most: int = 20) -> None:
    for refused in reading.refused[:most]:
        log.warn(
            "Capture {name!r}: the term {term!r} is left out: {reason}.",
            name=name,
            term=refused.term[:80],
            reason=refused.reason,
        )
    if len(reading.refused) > most:
        more = len(reading.refused) - most
        log.warn("Capture {name!r}: {n} more terms are left out; the ledger lists them.",
                 name=name, n=more)  # fmt: skip
    if reading.query is None:
        log.warn(
            "Capture {name!r} does not run: none of its keywords can be used.",
            name=name,
        )
