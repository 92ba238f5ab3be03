"""
What captures one job: its place on the disk, its keywords, and the feed that brings its posts.

Knows what to do with each reading of the job; asks no server and decides no status.
"""

from collections.abc import Callable

from msgspec import UNSET, UnsetType
from twisted.application.service import MultiService
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.control.jobs import Job
from tcclient.runtime.producers import SharedProducer
from tcclient.runtime.wallclock import Slept
from tcclient.sources.source import Feed, Source, Subscriber, Understood
from tcclient.sources.terms import say_refused
from tcclient.storage.archive import Archive
from tcclient.storage.diskuse import Supply
from tcclient.storage.folders import CannotStore, Folders

log = Logger()


class Session(MultiService, Subscriber):
    """
    Captures one job whenever it is wanted; kept until everything about the job has been reported.
    Its services are the files and the feed, whose subscriber it is.

    `opened` is called each time the stream has been opened.
    """

    def __init__(
        self, job: Job, folders: Folders, source: Source, opened: Callable[[], object]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self.archive: Archive | None = None
        self.clock: IReactorTime = folders.clock
        self._opened = opened
        self._folders = folders
        self._text: str | UnsetType | None = UNSET  # until one is read; a job may have None
        self._began: float | None = None
        self._status, self._because = 0, ""
        self._understood: Understood | None = None
        self._no_place_because = ""
        self._closing: dict[Archive, Deferred[None]] = {}
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
        if self.archive is None:
            return self._no_place_because.removesuffix(".") or "it has not begun"
        if self._understood is None:
            return "it has not begun"
        return "" if self._understood.asked is not None else "none of its keywords can be used"

    def stopService(self) -> Deferred[None]:
        """Fires when the feed has ended, and no archive is still being closed."""
        stopped = super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        closed = gatherResults([stopped, *self._closing.values()], consumeErrors=True)
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
            if self.archive.waiting:
                return self.archive  # the posts that came under the old name are stored there
            counters = self.archive.tally.counters
        try:
            archive = self._folders.open(job, counters)
        except CannotStore as e:
            if str(e) != self._no_place_because:
                log.error("Job {id} cannot be stored: {reason}", id=job.id, reason=str(e))
            self._no_place_because = str(e)
            return self.archive
        if self.archive is not None and self._understood is not None:
            self._move(self.archive, archive, self._understood)
        if self._began is not None:
            archive.tally.resume(self.clock.seconds())
        self.retire()
        self.archive, self._no_place_because = archive, ""
        archive.supplied_by(_FeedShare(self._feed, self._shared_feed))
        archive.files.setServiceParent(self)  # type: ignore[no-untyped-call]  # not annotated
        return archive

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

    async def halt(self, because: str) -> None:
        """
        Stop capturing; `because` is the reason as the ledger's `capture_stop` has it.  Returns when
        the last byte is on disk, in a file with its final name.  What the feed raises is raised
        again after that.
        """
        was_running, self._understood = self._began is not None, None
        self._began, self._text = None, UNSET
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
            await _finish(self.archive, because if was_running else None, self._status)
        await gatherResults(list(self._closing.values()))
        if trouble is not None:
            raise trouble

    def give_up(self) -> None:
        """Note which posts are lost, as the process ends now, whether or not files are finished."""
        if self.archive is not None:
            self.archive.give_up()
        for archive in self._closing:
            archive.give_up()

    def retire(self) -> None:
        """Have the archive closed, which lets go of the folder when its last file is finished."""
        if self.archive is None:
            return
        archive, self.archive = self.archive, None
        self._closing[archive] = closing = archive.close()
        closing.addCallback(lambda _: self._closing.pop(archive, None))
        archive.files.disownServiceParent()  # type: ignore[no-untyped-call]

    def _move(self, old: Archive, new: Archive, understood: Understood) -> None:
        """Note in both ledgers that a running job was renamed and goes on in another folder."""
        was_heard = not old.capture_log.is_running
        old.capture_log.end("renamed", self._status)
        text = None if self._text is UNSET else self._text
        new.capture_log.begin(self._because, self._status, text)
        new.capture_log.follow(text, None, understood.asked, understood.refused)
        if was_heard:
            new.capture_log.continues(old.capture_log)

    def _follow(self, archive: Archive, text: str | None) -> None:
        """Ask the feed for new keywords, note how they were understood, and log what is wrong."""
        before = self._text
        self._understood = understood = self._feed.ask(text)
        self._text = text  # if that fails it is asked for again
        text_before = None if before is UNSET else before
        archive.capture_log.follow(text, text_before, understood.asked, understood.refused)
        if understood.is_in_force:
            archive.capture_log.in_force(text)
        if before is not UNSET:
            log.info("Capture {name!r} has new keywords.", name=archive.name)
        _say_unusable(archive.name, understood)


async def _finish(archive: Archive, because: str | None, status: int) -> None:
    """
    Finish the files, and note the end of a capture that ran, for which there is a reason; `status`
    is that of its job.
    """
    archive.capture_log.ceases()
    finished = archive.finish()
    if archive.waiting:
        log.warn(
            "Capture {name!r} ends when the disk takes the {n} posts that wait for it.",
            name=archive.name,
            n=archive.waiting,
        )
    await finished
    if because is not None:
        archive.capture_log.end(because, status)
    log.info(
        "Capture {name!r} has stopped: its files are finished, {total} posts in all.",
        name=archive.name,
        total=archive.tally.total,
    )


def _say_unusable(name: str, understood: Understood) -> None:
    """Log which keywords of a capture cannot be used, if any."""
    say_refused(name, understood.refused)
    if understood.asked is None:
        log.warn(
            "Capture {name!r} does not run: none of its keywords can be used.",
            name=name,
        )


class _FeedShare(Supply):
    """
    The feed as one archive sees it.  While a job moves to another folder it has two archives, and
    the feed is paused as long as either of them cannot take posts.
    """

    def __init__(self, feed: Feed, shared: SharedProducer) -> None:
        self._feed = feed
        self._shared = shared

    @property
    def silent(self) -> float | None:
        """Seconds since the feed's last byte came; None while no stream is heard."""
        return self._feed.silent

    def pauseProducing(self) -> None:
        """Pause the feed for this archive."""
        self._shared.pause_for(self)

    def resumeProducing(self) -> None:
        """Let the feed go on, unless another archive has paused it."""
        self._shared.resume_for(self)
