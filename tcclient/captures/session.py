"""
A job being captured: its place on the disk, its keywords, and the feed that brings its posts.

Knows what to do with each reading of the job; asks no server and decides no status.
"""

import enum
from collections.abc import Callable

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.control.jobs import Job
from tcclient.sources.keywords import Understood
from tcclient.sources.twitter_v1.feed import Feed, Feeds, say_refused
from tcclient.storage.archive import Archive
from tcclient.storage.folders import CannotStore, Shelf

log = Logger()


class _Unread(enum.Enum):
    TEXT = enum.auto()


_UNREAD = _Unread.TEXT


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
        self.clock: IReactorTime = shelf.steady
        self.connected = connected
        self._shelf = shelf
        self._text: str | _Unread | None = _UNREAD
        self._status = 0
        self._understood: Understood | None = None
        self._no_place_because = ""
        self._closing: dict[Archive, Deferred[None]] = {}
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
        account = None
        if self.archive is not None:
            self.archive.flush()
            if self.archive.waiting:
                return self.archive  # what came under the old name is stored under it
            account = self.archive.tally.account
        try:
            archive = self._shelf.open(job, account)
        except CannotStore as e:
            if str(e) != self._no_place_because:
                log.error("Job {id} cannot be stored: {reason}", id=job.id, reason=str(e))
            self._no_place_because = str(e)
            return self.archive
        if self.archive is not None and self._understood is not None:
            self._move(self.archive, archive, self._understood)
        self.retire()
        self.archive, self._no_place_because = archive, ""
        archive.supply = self._feed
        archive.files.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        return archive

    def clock_stepped(self, seconds: float) -> None:
        """The machine's clock has been set by `seconds`."""
        if self.archive is not None:
            self.archive.clock_stepped(seconds)

    def reopen(self, job: Job) -> None:
        """For a job that is to be stopped: find again what an earlier process left of it."""
        self._feed.forget()
        if self._shelf.knows(job):
            archive = self.find_place(job)
            if archive is not None and archive.chronicle.is_running:
                archive.chronicle.end("stopped", job.status)

    def run(self, job: Job) -> None:
        """Capture what `job` asks for.  Called with each new reading of it; cheap if the same."""
        archive = self.find_place(job)
        if archive is None:
            return
        self._status = job.status
        if self._text is _UNREAD:
            archive.tally.resume(self.clock.seconds())
            archive.chronicle.begin(job.status, job.keywords)
        if self._text != job.keywords:
            self._follow(archive, job.keywords)

    async def halt(self, because: str) -> None:
        """
        Stop, for a reason as in the ledger's `capture_stop`.  Returns once the last byte is on disk
        under its final name.
        """
        was_running, self._understood = self._understood is not None, None
        self._text = _UNREAD
        await self._feed.cease()
        if self.archive is not None:
            self.archive.chronicle.ceases()
            finished = self.archive.finish()
            if self.archive.waiting:
                log.warn(
                    "Capture {name!r} ends when the disk takes the {n} posts that wait for it.",
                    name=self.archive.name,
                    n=self.archive.waiting,
                )
            await finished
            if was_running:
                self.archive.chronicle.end(because, self._status)
            log.info(
                "Capture {name!r} has stopped: its files are finished, {total} posts in all.",
                name=self.archive.name,
                total=self.archive.tally.total,
            )
        await gatherResults(list(self._closing.values()))

    def give_up(self) -> None:
        """The process ends now, whatever has become of a stop."""
        if self.archive is not None:
            self.archive.give_up()
        for archive in self._closing:
            archive.give_up()

    def retire(self) -> None:
        """Let go of the folder, once its last file is finished."""
        if self.archive is None:
            return
        archive, self.archive = self.archive, None
        self._closing[archive] = closing = archive.close()
        closing.addCallback(lambda _: self._closing.pop(archive, None))
        archive.files.disownServiceParent()  # type: ignore[no-untyped-call]

    def _move(self, old: Archive, new: Archive, understood: Understood) -> None:
        """The account of a job that was renamed while it runs goes on in another folder."""
        was_heard = not old.chronicle.is_running
        old.chronicle.end("renamed", self._status)
        text = None if self._text is _UNREAD else self._text
        new.chronicle.begin(self._status, text)
        new.chronicle.follow(text, None, understood)
        if was_heard:
            new.chronicle.continues(old.chronicle)

    def _follow(self, archive: Archive, text: str | None) -> None:
        """Have the keywords followed, and say what is wrong with them."""
        before = self._text
        self._text = text
        self._understood = understood = self._feed.ask(text)
        archive.chronicle.follow(text, None if before is _UNREAD else before, understood)
        if understood.is_in_force:
            archive.chronicle.in_force(text)
        if before is not _UNREAD:
            log.info("Capture {name!r} has new keywords.", name=archive.name)
        say_refused(archive.name, understood.refused)
        if understood.asked is None:
            log.warn(
                "Capture {name!r} does not run: none of its keywords can be used.",
                name=archive.name,
            )
