"""
A job being captured: its place on the disk, its keywords, and the feed that brings its posts.

Knows what to do with each reading of the job; asks no server and decides no status.
"""

from collections.abc import Callable

import attrs
from twisted.application.service import MultiService
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from tcclient.archive import Archive, CannotStore, Shelf
from tcclient.feed import Feed, Feeds
from tcclient.jobs import Job
from tcclient.keywords import Reading

log = Logger()

FINISH_RETRY = 5.0
"""Seconds until a file that could not be finished at a stop is tried again."""

_UNREAD = object()


class Session(MultiService):
    """
    Made when a job is first wanted, kept until everything about it has been reported.  Its
    services are the current file and the feed.

    `connected` is called each time the stream has been opened.
    """

    def __init__(
        self, job: Job, shelf: Shelf, feeds: Feeds, connected: Callable[[], object]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self.archive: Archive | None = None
        self.clock: IReactorTime = shelf.clock
        self.connected = connected
        self._shelf = shelf
        self._text: object = _UNREAD
        self._no_place_because = ""
        self._feed: Feed = feeds.feed_for(job.id, self)
        self._feed.setServiceParent(self)

    @property
    def streaming(self) -> bool:
        """Whether the stream is open."""
        return self._feed.streaming

    @property
    def quiet(self) -> bool:
        """Whether there is no stream, and none is being asked for."""
        return self._feed.quiet

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
        self._text = _UNREAD
        await self._feed.cease()
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
            self.archive.files.disownServiceParent()  # type: ignore[no-untyped-call]
            self.archive = None

    def _follow(self, archive: Archive, text: str | None) -> None:
        """Have the keywords followed, and say what is wrong with them."""
        first = self._text is _UNREAD
        before = None if first else self._text
        self._text = text
        reading = self._feed.ask(text)
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


def _say_refused(name: str, reading: Reading, most: int = 20) -> None:
    for refused in reading.refused[:most]:
        log.warn(
            "Capture {name!r}: the term {term!r} is left out: {reason}.",
            name=name,
            term=refused.term[:80],
            reason=refused.reason,
        )
    more = len(reading.refused) - most
    if more > 0:
        log.warn(
            "Capture {name!r}: {n} more terms are left out; the ledger lists them.",
            name=name,
            n=more,
        )
    if reading.query is None:
        log.warn("Capture {name!r} does not run: none of its keywords can be used.", name=name)
