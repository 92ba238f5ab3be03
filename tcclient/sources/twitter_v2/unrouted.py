"""
Posts of which nobody can tell whose they are, since they name none of the rules that they matched,
and which captures have yet to be told of some that may be theirs, for when the client is killed.

Knows the folder of their own, and who is told; does not know which posts these are.
"""

from collections import Counter
from collections.abc import Mapping

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient.control.jobs import Job, Status
from tcclient.ledger.bookings import NotStored
from tcclient.ledger.entries import Entry
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.vocabulary import Vocabulary
from tcclient.ledger.wording import number
from tcclient.runtime.timers import Timers
from tcclient.sources.twitter_v2.entries import UnroutedPosts, UnroutedUntold
from tcclient.sources.twitter_v2.subscription import MOST_WAITING, Subscriptions
from tcclient.storage.archive import Archive
from tcclient.storage.folders import NOBODY, UNROUTED, CannotStore, Folders

log = Logger()


_KNOWN = Vocabulary.of((UnroutedUntold,))


class Untold:
    """
    Notes, when the first of some posts comes, for which captures they may be, and when these have
    been told.
    """

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._captures: dict[int, str] = {}
        self._told: int | None = None

    def may_be(self, archive: Archive, captures: Mapping[int, str]) -> None:
        """Take note that posts that come now, and are about to be stored, may be of these."""
        if not captures.items() <= self._captures.items():
            self._captures.update(captures)
            told = self._held(archive) if self._told is None else self._told
            self._told = told
            names = {str(job): name for job, name in self._captures.items()}
            archive.note(UnroutedUntold(told=told, captures=names))

    def all_told(self, archive: Archive) -> None:
        """Take note that all captures have been told of all that has come."""
        if self._captures:
            self._captures, self._told = {}, None
            archive.note(UnroutedUntold(told=self._held(archive), captures={}))

    def recall(self, archive: Archive) -> None:
        """
        Tell each capture that was running when an earlier process was killed how many of the posts
        in the folder may be its: so many at most.
        """
        for line in archive.newest_lines(_KNOWN):
            match line:
                case LedgerLine(entry=UnroutedUntold(told=told, captures=captures)):
                    posts = self._held(archive) - told
                    for job, name in captures.items() if posts > 0 else ():
                        entry = UnroutedPosts(posts=posts, folder=UNROUTED)
                        self._folders.note_in(name, entry, int(job))
                    if captures:
                        archive.note(UnroutedUntold(told=self._held(archive), captures={}))
                    return

    def _held(self, archive: Archive) -> int:
        """Return how many posts are in the folder, or are about to be."""
        return archive.tally.counters.posts + archive.waiting


TELL_INTERVAL = 60.0
"""Seconds between two lines in the ledger of a capture about posts that may be its."""
RETRY = 1.0
"""Seconds until the folder is tried again, where it cannot be opened."""
LAST_TRY = 3.0
"""Seconds in which the last of them have to be in a file when the client ends."""

_JOB = Job(NOBODY, UNROUTED, Status.UNKNOWN, None, None, None, False, None)


class Unrouted(Service):
    """
    Stores these posts in a folder of their own, as a capture stores its posts; without a pause, so
    that of what the disk does not take MOST_WAITING bytes wait, and the rest is counted and gone.
    Each capture that is streaming hears of them each minute and when it or the service stops; the
    log, when they begin and when they end.
    """

    def __init__(self, folders: Folders, subscriptions: Subscriptions, clock: IReactorTime) -> None:
        self._folders = folders
        self._subscriptions = subscriptions
        self._clock = clock
        self._untold = Untold(folders)
        self._archive: Archive | None = None
        self._trouble, self._is_tried = "", False
        self._waiting: list[bytes] = []  # for the folder
        self._bytes = 0
        self._posts = self._before = self._lost = 0  # since the last line, before it, not stored
        self._by_job: Counter[int] = Counter()
        self._lost_by_job: Counter[int] = Counter()
        self._timers = Timers(clock)
        self._telling = LoopingCall(self._tell)
        self._telling.clock = clock

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._telling.start(TELL_INTERVAL, now=False)

    def stopService(self) -> Deferred[None] | None:
        """Tell for the last time, and let go of the folder.  Fires when that is done."""
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        self._telling.stop()
        self._timers.stop("retry")
        self._is_tried = False
        if self._waiting and self._opened() is None:
            self._lost += len(self._waiting)
            log.error(
                "{posts} posts that name no rule are lost: their folder cannot be opened.",
                posts=len(self._waiting),
            )
        self._tell()
        archive, self._archive = self._archive, None
        if archive is None:
            return None

        def give_up(failure: Failure) -> None:
            failure.trap(CancelledError, TimeoutError)
            archive.give_up()

        return archive.close().addTimeout(LAST_TRY, self._clock).addErrback(give_up)

    def begin(self) -> None:
        """Tell the captures that were running when the client was killed how many may be theirs."""
        if self._folders.has(UNROUTED):
            self._opened()

    @property
    def archive(self) -> Archive | None:
        """Where they are stored; None where none are, or the folder cannot be opened."""
        return self._archive

    def take(self, posts: list[bytes]) -> None:
        """Store posts, and count them for each capture that is streaming: they may be its."""
        served, archive = self._subscriptions.served(), self._opened()
        if not self._posts and not self._before:
            many = f"{len(served)} captures are streaming"
            log.warn(
                "X sends posts that name no rule that is known. As {why}, nobody can tell whose "
                "they are: they {are} in {folder!r}.",
                why="X has not listed its rules yet" if len(served) == 1 else many,
                are="are stored" if archive is not None else "wait for a place",
                folder=UNROUTED,
            )
        self._posts += len(posts)
        self._by_job.update({one.job_id: len(posts) for one in served})
        waiting = self._bytes if archive is None else archive.files.waiting.bytes
        if waiting > MOST_WAITING:
            self._lost += len(posts)
            self._lost_by_job.update({one.job_id: len(posts) for one in served})
        elif archive is None:
            self._waiting += posts
            self._bytes += sum(map(len, posts))
        else:
            self._untold.may_be(archive, {one.job_id: one.title for one in served})
            archive.store(posts)

    def leave(self, job_id: int) -> None:
        """Tell a capture that is about to stop how many posts may be its, if any."""
        waiting = self._in_no_file()
        if self._archive is not None and self._archive.trouble is None:
            waiting = 0  # it is about to be written
        self._lost_by_job[job_id] += min(waiting, self._by_job[job_id] - self._lost_by_job[job_id])
        self._tell_one(job_id)

    def note(self, job_id: int, entry: Entry) -> None:
        """Write a line into the ledger of a job, or of these posts, which are nobody's."""
        if job_id == NOBODY and self._archive is not None:
            self._archive.note(entry)
        else:
            self._subscriptions.note(job_id, entry)

    def _tell_one(self, job_id: int, waiting: int = 0) -> None:
        """Tell a capture of all but those that wait, of which nobody knows what becomes of them."""
        posts, lost = self._by_job.pop(job_id, 0), self._lost_by_job.pop(job_id, 0)
        kept = min(waiting, posts - lost)
        if kept:
            self._by_job[job_id] = kept
        if posts > kept:
            entry = UnroutedPosts(posts=posts - kept, folder=UNROUTED, not_stored=lost)
            self._subscriptions.note(job_id, entry)

    def _in_no_file(self) -> int:
        """Return how many posts wait, after another try to write them."""
        if self._archive is not None:
            self._archive.flush()
        return len(self._waiting) + (0 if self._archive is None else self._archive.waiting)

    def _opened(self) -> Archive | None:
        """Return the folder; None where it cannot be opened, which is tried each RETRY seconds."""
        if self._archive is None and not self._is_tried:
            try:
                self._archive = self._folders.open(_JOB)
            except CannotStore as e:
                if str(e) != self._trouble:
                    log.error(
                        "Posts that name no rule cannot be stored: {why} It is tried again every "
                        "{s:g} s.",
                        why=str(e),
                        s=RETRY,
                    )
                self._trouble = str(e)
                if self.running:
                    self._is_tried = True
                    self._timers.start("retry", RETRY, self._retry)
            else:
                self._store_waiting(self._archive)
        return self._archive

    def _retry(self) -> None:
        self._is_tried = False
        if self._waiting:
            self._opened()

    def _store_waiting(self, archive: Archive) -> None:
        """Store what has waited for the folder, behind what an earlier process has left there."""
        self._untold.recall(archive)
        if self._trouble:
            log.warn("Posts that name no rule can be stored.")
        self._trouble = ""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if waiting:
            served = self._subscriptions.served()
            self._untold.may_be(archive, {one.job_id: one.title for one in served})
            archive.store(waiting)

    def _tell(self) -> None:
        """Note what has come since the last time, if anything, and say if nothing has."""
        waiting = self._in_no_file() if self._by_job else 0
        for job_id in list(self._by_job):
            self._tell_one(job_id, waiting)
        if self._archive is not None and not waiting:
            self._untold.all_told(self._archive)
        if self._lost:
            note = self._folders.note if self._archive is None else self._archive.note
            note(NotStored(posts=self._lost, reason="the disk took none that name no rule"))
        if self._before and not self._posts:
            log.info(
                "No more posts come that name no rule; there were {posts}.",
                posts=number(self._before, "post"),
            )
            self._before = 0
        self._before += self._posts
        self._posts = self._lost = 0
