"""
What captures one job: its place on the disk, its keywords, and the feed that brings its posts.

Knows what to do with each reading of the job; asks no server and decides no status.
"""

from collections.abc import Callable

from msgspec import UNSET, UnsetType
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.captures.feedshare import FeedShare
from tcclient.captures.jobarchives import JobArchives
from tcclient.control.jobs import Job
from tcclient.ledger.entries import Asked, RefusedTerm
from tcclient.runtime.producers import SharedProducer
from tcclient.runtime.wallclock import Slept
from tcclient.sources.source import Feed, Source, Subscriber, Understood
from tcclient.sources.terms import say_doubtful, say_refused
from tcclient.storage.archive import Archive
from tcclient.storage.folders import CannotStore, CapturedElsewhere, Folders

log = Logger()

_NO_TERM = "none of its keywords can be used"


class Session(JobArchives, Subscriber):
    """
    Captures one job whenever it is wanted; kept until everything about the job has been reported.
    Its services are the files and the feed, whose subscriber it is; `opened` is called each time
    the stream has been opened.
    """

    def __init__(
        self, job: Job, folders: Folders, source: Source, opened: Callable[[], object]
    ) -> None:
        super().__init__()
        self.applied: int | None = None  # the newest revision that is captured as it says
        self.clock: IReactorTime = folders.clock
        self._opened = opened
        self._folders = folders
        self._text: str | UnsetType | None = UNSET  # until one is read; a job may have None
        self._began: float | None = None
        self._job: Job | None = None  # as it was read last, while it is wanted
        self._is_moving = False
        self._status, self._because, self._no_place_because = 0, "", ""
        self._understood: Understood | None = None
        self._feed: Feed = source.feed_for(job.id, self)
        self._shared_feed = SharedProducer(self._feed)
        self._feed.setServiceParent(self)

    @property
    def streaming(self) -> bool:
        """Whether the stream is open."""
        return self._feed.streaming

    @property
    def age(self) -> float:
        """Seconds since it runs; 0 if it does not."""
        return 0.0 if self._began is None else self.clock.seconds() - self._began

    @property
    def quiet(self) -> bool:
        """Whether there is no stream, and none is being asked for."""
        return self._feed.quiet

    @property
    def not_run(self) -> str:
        """Why nothing is captured though it is wanted, a clause; empty where it is captured."""
        if self.archive is not None and self._understood is not None:
            return _NO_TERM if self._understood.asked is None else self._feed.refused
        return self._no_place_because.removesuffix(".") or "it has not begun"

    def stopService(self) -> Deferred[None]:
        """Fires when the feed has ended, and no archive is still being closed."""
        stopped = super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        closed = gatherResults([stopped, self.all_closed()], consumeErrors=True)
        return closed.addCallback(lambda _: None)

    def opened(self) -> None:
        """Let the first rates begin, and call what was given as `opened`: the stream is open."""
        if self.archive is not None:
            self.archive.tally.opened(self.clock.seconds())
        self._opened()

    def find_place(self, job: Job) -> Archive | None:
        """
        Return the archive for `job`, opened if need be; None if there is no place for it, and the
        log says why.  A job that was renamed keeps its old archive while that has posts that wait
        for the disk, and where the new folder cannot be opened.
        """
        if self.archive is not None and self.archive.name == job.name:
            return self.archive
        counters = None
        if self.archive is not None:
            self.archive.flush()
            if self.archive.waiting:  # the posts that came under the old name are stored there
                self._move_later(self.archive)
                return self.archive
            counters = self.archive.tally.counters
        try:
            archive = self._folders.open(job, counters)
        except CannotStore as e:
            because, before = str(e), self._no_place_because
            if self._folders.use.descriptors.is_news(self, because) and because != before:
                log.error("Job {id} cannot be stored: {reason}", id=job.id, reason=because)
            self._no_place_because = because
            if isinstance(e, CapturedElsewhere):
                self._feed.spare()
            return self.archive
        self._folders.use.descriptors.ends(self)
        if self.archive is not None and self._understood is not None:
            self._move(self.archive, archive, self._understood)
        if self._began is not None:
            archive.tally.resume(self.clock.seconds())
        self.retire()
        self.archive, self._no_place_because = archive, ""
        archive.supplied_by(FeedShare(self._feed, self._shared_feed))
        archive.ledger.grown = self.grown
        archive.files.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        return archive

    def _move_later(self, archive: Archive) -> None:
        """Take the job as it was read last once more when nothing waits for the old archive."""

        def written(_: None) -> None:
            self._is_moving = False
            if self._job is not None and archive is self.archive and not archive.waiting:
                self.run(self._job)

        if not self._is_moving:
            self._is_moving = True
            archive.files.written().addCallback(written)

    def clock_stepped(self, seconds: float) -> None:
        """Note that the machine's clock was set by `seconds`, negative for back."""
        if self.archive is not None:
            self.archive.clock_stepped(seconds)

    def slept(self, sleep: Slept) -> None:
        """Note that the machine slept; the current file ends if its time is over."""
        if self.archive is not None:
            self.archive.files.look_at_slot()
            self.archive.capture_log.slept(sleep, self._feed.silent)

    def awoke(self) -> None:
        """Note, when the source knows of the sleep, whether the stream has outlived it."""
        if self.archive is not None and self._feed.silent is not None:
            self.archive.capture_log.heard()

    def reopen(self, job: Job, because: str = "stopped") -> bool:
        """
        Open what an earlier process has left of a job that is not to be captured, so that it can be
        reported, and note the stop if that process did not; `because` is as for halt().  Return
        False if there is something that cannot be opened.
        """
        self._feed.forget()
        if not self._folders.knows(job):
            return True
        archive = self.find_place(job)
        if archive is not None and archive.capture_log.is_running:
            archive.capture_log.end(because, job.status)
        return archive is not None

    def run(self, job: Job) -> None:
        """Capture what `job`, a new reading, asks for.  Cheap if that is the same as before."""
        self._job = job
        archive = self.find_place(job)
        if archive is None:
            return
        self._status, self._because = job.status, job.wanted_because
        if self._began is None:
            self._began = self.clock.seconds()
            archive.tally.resume(self._began)
            archive.capture_log.begin(job.wanted_because, job.status, job.keywords)
        if self._text != job.keywords:
            self._follow(archive, job.keywords)
        if archive.name == job.name:
            self.applied = job.revision

    async def halt(self, because: str) -> None:
        """
        Stop capturing; `because` is as in the ledger's `capture_stop`.  Returns when the last byte
        is on disk, in a file with its final name; then raises again what the feed has raised.
        """
        was_running, self._understood = self._began is not None, None
        self._began, self._text, self._job = None, UNSET, None
        if self.archive is not None:
            self.archive.tally.cease()
        trouble: Exception | None = None
        try:
            await self._feed.cease()
        except CancelledError:
            raise
        except Exception as e:
            trouble = e
        if self.archive is not None:
            async with self._folders.use.finishing.ordinary():
                await _finish(self.archive, because if was_running else None, self._status)
        await self.all_closed()
        if trouble is not None:
            raise trouble

    def _move(self, old: Archive, new: Archive, understood: Understood) -> None:
        """Note in both ledgers that a running job was renamed and goes on in another folder."""
        was_heard = not old.capture_log.is_running
        old.capture_log.end("renamed", self._status)
        text = None if self._text is UNSET else self._text
        new.capture_log.begin(self._because, self._status, text)
        new.capture_log.follow(text, None, *_for_ledger(understood))
        if was_heard:
            new.capture_log.continues(old.capture_log)

    def _follow(self, archive: Archive, text: str | None) -> None:
        """Ask the feed for new keywords, note how they were understood, and log what is wrong."""
        before = self._text
        self._understood = understood = self._feed.ask(text)
        self._text = text  # if that fails it is asked for again
        text_before = None if before is UNSET else before
        archive.capture_log.follow(text, text_before, *_for_ledger(understood))
        if understood.is_in_force:
            archive.capture_log.in_force(text)
        if before is not UNSET:
            log.info("Capture {name!r} has new keywords.", name=archive.name)
        say_doubtful(archive.name, understood.doubtful)
        _say_unusable(archive.name, understood)


async def _finish(archive: Archive, because: str | None, status: int) -> None:
    """
    Finish the files, and note the end of a capture that ran, for which there is a reason; `status`
    is that of its job.
    """
    archive.capture_log.ceases()
    finished = archive.finish()
    if archive.trouble:
        log.warn(
            "Capture {name!r} ends when the disk takes {what} ({reason}).",
            name=archive.name,
            what=f"the {archive.waiting} posts that wait" if archive.waiting else "its last file",
            reason=archive.trouble[0],
        )
    await finished
    if archive.is_given_up:
        return  # as if it had been killed: the next start says what is missing
    if because is None:
        return  # it had stopped before, which has been said
    archive.capture_log.end(because, status)
    log.info(
        "Capture {name!r} has stopped: its files are finished, {total} posts in all.",
        name=archive.name,
        total=archive.tally.total,
    )


def _for_ledger(
    understood: Understood,
) -> tuple[Asked | None, tuple[RefusedTerm, ...], tuple[RefusedTerm, ...]]:
    return understood.asked, understood.refused, understood.doubtful


def _say_unusable(name: str, understood: Understood) -> None:
    """Log which keywords of a capture cannot be used, if any."""
    say_refused(name, understood.refused)
    if understood.asked is None:
        log.warn(
            "Capture {name!r} does not run: none of its keywords can be used.",
            name=name,
        )
