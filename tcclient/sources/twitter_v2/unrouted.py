"""
Posts of which nobody can tell whose they are, since they name none of the rules that they matched.

Knows the folder of their own, and who is told; does not know which posts these are.
"""

from collections import Counter

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient.control.jobs import Job, Status
from tcclient.ledger.bookings import NotStored
from tcclient.ledger.wording import number
from tcclient.sources.twitter_v2.entries import UnroutedPosts
from tcclient.sources.twitter_v2.subscription import Subscriptions
from tcclient.storage.archive import Archive
from tcclient.storage.folders import NOBODY, UNROUTED, CannotStore, Folders

log = Logger()

TELL_INTERVAL = 60.0
"""Seconds between two lines in the ledger of a capture about posts that may be its."""
MOST_WAITING = 4 << 20
"""Bytes of such posts that wait for a disk; no capture is held up for them."""
LAST_TRY = 3.0
"""Seconds in which the last of them have to be in a file when the client ends."""


class Unrouted(Service):
    """
    Stores these posts in a folder of their own, as a capture stores its posts; without a pause,
    so that what the disk does not take is counted and gone.  Each capture that is streaming hears
    of them each minute and when the service stops; the log, when they begin and when they end.
    """

    def __init__(self, folders: Folders, subscriptions: Subscriptions, clock: IReactorTime) -> None:
        self._folders = folders
        self._subscriptions = subscriptions
        self._clock = clock
        self._archive: Archive | None = None
        self._trouble = ""
        self._is_tried = False
        self._posts = self._before = self._lost = 0  # since the last line, before it, not stored
        self._by_job: Counter[int] = Counter()
        self._telling = LoopingCall(self._tell)
        self._telling.clock = clock

    def startService(self) -> None:
        """Begin to tell each minute."""
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._telling.start(TELL_INTERVAL, now=False)

    def stopService(self) -> Deferred[None] | None:
        """Tell for the last time, and let go of the folder.  Fires when that is done."""
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        self._telling.stop()
        self._tell()
        archive, self._archive = self._archive, None
        if archive is None:
            return None

        def give_up(failure: Failure) -> None:
            failure.trap(CancelledError, TimeoutError)
            archive.give_up()

        return archive.close().addTimeout(LAST_TRY, self._clock).addErrback(give_up)

    def take(self, posts: list[bytes]) -> None:
        """Store posts, and count them for each capture that is streaming: they may be its."""
        if not self._posts and not self._before:
            log.warn(
                "X sends posts that name no rule. As {n} captures are streaming, nobody can tell "
                "whose they are: they are stored in {folder!r}.",
                n=len(self._subscriptions.served()),
                folder=UNROUTED,
            )
        self._posts += len(posts)
        for subscription in self._subscriptions.served():
            self._by_job[subscription.job_id] += len(posts)
        archive = self._opened()
        if archive is None or archive.files.waiting.bytes > MOST_WAITING:
            self._lost += len(posts)
        else:
            archive.store(posts)

    def leave(self, job_id: int) -> None:
        """Tell a capture that is about to stop how many posts may be its, if any."""
        posts = self._by_job.pop(job_id, 0)
        if posts:
            self._subscriptions.note(job_id, UnroutedPosts(posts=posts, folder=UNROUTED))

    def _opened(self) -> Archive | None:
        """Return the folder; None where it cannot be opened, which is tried once a minute."""
        if self._archive is None and not self._is_tried:
            self._is_tried = True
            job = Job(NOBODY, UNROUTED, Status.UNKNOWN, None, None, None, False, None)
            try:
                self._archive = self._folders.open(job)
                self._trouble = ""
            except CannotStore as e:
                if str(e) != self._trouble:
                    log.error("Posts that name no rule cannot be stored: {why}", why=str(e))
                self._trouble = str(e)
        return self._archive

    def _tell(self) -> None:
        """Note what has come since the last time, if anything, and say if nothing has."""
        for job_id in list(self._by_job):
            self.leave(job_id)
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
        self._is_tried = False
