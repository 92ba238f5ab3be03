"""
The file that posts are appended to: decides when they are written and synced and when the file gets
its name, and what to do while the disk refuses.

Does not know what a ledger looks like, nor who brings the posts.
"""

from functools import partial
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.runtime.failures import explain_os
from tcclient.runtime.timers import Timers
from tcclient.storage.diskuse import DiskUse, FileOwner
from tcclient.storage.finalname import drop_temporary_name, take_final_name
from tcclient.storage.growing import GrowingFile
from tcclient.storage.room import Room
from tcclient.storage.slots import Naming, Slot
from tcclient.storage.syncing import PATIENCE, Syncing
from tcclient.storage.waiting import Batch, Waiting

log = Logger()

MOST_WAITING_FOR_DISK = 4 << 20
"""Bytes that may wait for a busy disk; with more, the posts are paused."""

RETRY = 1.0
"""Seconds after which a disk that has refused something is tried again."""

MOST_WAITING = 1 << 20
"""
Bytes that may wait for the time to write them; more are written at once.  In pieces of 64 kB a post
costs a third more to write than in pieces of this size; in larger ones it costs no less.
"""


class RotatingFile(Service):
    """
    One file per slot, opened by the first post and finished by the clock.

    What the disk refuses is kept, and tried again every RETRY seconds; `owner` is asked to pause
    the posts meanwhile.  `stopService` finishes the open file, as finish() does.
    """

    def __init__(
        self, folder: Path, naming: Naming, clock: IReactorTime, owner: FileOwner, use: DiskUse
    ) -> None:
        self._folder = folder
        self._naming = naming
        self._clock = clock
        self._owner = owner
        self._use = use
        self._timers = Timers(clock)
        self._syncing = Syncing(use.threads, clock, self._speed_changed)
        self._waiting = Waiting(naming.slot)
        self._file: GrowingFile | None = None
        self._working = False
        self._room = Room(folder, use.min_free_bytes, clock, use.free)
        self._is_refused = False
        self._has_paused = False
        self._finishing: list[Deferred[None]] = []

    @property
    def unfinished(self) -> int:
        """Number of posts in the open file, as long as its final name is not booked."""
        return 0 if self._file is None or self._file.final else self._file.posts

    @property
    def waiting(self) -> int:
        """Number of posts that are in no file yet."""
        return self._waiting.posts

    @property
    def waiting_since(self) -> float | None:
        """When (epoch seconds) the first post came that is in no file yet; None if none waits."""
        batch = self._waiting.first
        return None if batch is None else batch.first_arrival

    @property
    def is_synced(self) -> bool:
        """Whether all that is in files is safe from a power cut."""
        file = self._file
        return file is None or not (file.unsynced or file.being_synced or file.doubtful)

    def write(self, block: bytes, posts: int) -> None:
        """
        Take `block`, which has that many posts, each ended by a newline.  It is written as soon as
        nothing more comes, after `flush_interval` at the latest, or when the disk takes it again.
        """
        self._waiting.add(block, posts, self._clock.seconds())
        self._pause_or_resume()
        if self._is_refused:
            return
        if self._use.flush_interval == 0 or self._waiting.bytes >= MOST_WAITING:
            self.flush()
        else:
            self._timers.start("flush", 0, partial(self._flush_unless_more_comes, 0))

    def flush(self) -> None:
        """Write what waits, unless the disk refuses it, or is busy with an earlier call."""
        if not self._working:
            working = Deferred.fromCoroutine(self._work())
            working.addErrback(lambda failure: log.failure("Posts could not be written.", failure))

    def _flush_unless_more_comes(self, before: int) -> None:
        """
        Flush if no byte has come since the last call, when `before` bytes waited, or the first has
        waited long enough.  A turn of the reactor lies between two calls, so that every stream with
        something to read has been read.
        """
        since, waiting = self.waiting_since, self._waiting.bytes
        if since is None:
            return
        if waiting == before or self._clock.seconds() - since >= self._use.flush_interval:
            self.flush()
        else:
            self._timers.start("flush", 0, partial(self._flush_unless_more_comes, waiting))

    def give_up(self) -> int:
        """Forget the posts that are in no file.  Return how many these are."""
        return self._waiting.forget()

    def sync(self, fd: int) -> Deferred[None]:
        """
        Sync another file of the owner's, when its turn comes: the disk is asked for one thing at a
        time.  Fires when what was written to it is safe from a power cut; fails with OSError.
        """
        return self._syncing.file(fd)

    def finish(self) -> Deferred[None]:
        """
        Finish the open file.  Fires when all posts are in files under their final names: if the
        disk refuses, when it has recovered.
        """
        finished: Deferred[None] = Deferred(self._finishing.remove)
        self._finishing.append(finished)
        self.flush()
        return finished

    def stopService(self) -> Deferred[None]:
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        return self.finish()

    async def _work(self) -> None:
        """Write and finish until there is nothing left to do, or the disk refuses."""
        self._working = True
        refusal: OSError | None = None
        try:
            while await self._step():
                pass
        except OSError as e:
            refusal = e
        finally:
            self._working = False
        if refusal is not None:
            self._refused(refusal)
        elif self._syncing.is_slow:
            self._timers.start("retry", RETRY, self.flush)
        else:
            self._went_well()

    async def _step(self) -> bool:
        """Do what is to be done next.  Return whether there was anything.  Raises OSError."""
        file, batch = self._file, self._waiting.first
        if file is not None and file.doubtful:
            await self._syncing.file(file.fd)
            file.doubtful = False
        elif batch is not None and (file is None or file.takes(batch)):
            self._store(batch)
        elif file is not None and (batch or file.over or file.final or self._finishing):
            await self._conclude(file)
        else:
            return False
        return True

    def _store(self, batch: Batch) -> None:
        if self._file is not None and self._file.is_removed:
            removed = self._file
            self._let_go(removed)
            self._tell_lost(removed)
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._room.check(batch.bytes)
        file = self._file or self._begin(batch.slot)
        file.append(batch, self._owner.read_until())
        self._waiting.written()
        self._owner.stored(batch.posts)
        self._timers.start("sync", self._use.fsync_interval, self._sync_due)

    def _begin(self, slot: Slot) -> GrowingFile:
        self._file = file = GrowingFile(
            self._folder / self._naming.temporary(slot), slot, self._use.ids
        )
        self._timers.start("slot", max(0.0, slot.end - self._clock.seconds()), self._slot_over)
        return file

    def _slot_over(self) -> None:
        if self._file is not None:
            self._file.over = True
            self.flush()

    def clock_stepped(self) -> None:
        """Finish the open file when the clock, which has been set, shows that its slot is over."""
        if self._file is None:
            return
        self._timers.stop("slot")
        slot, now = self._file.slot, self._clock.seconds()
        if slot.holds(now):
            self._timers.start("slot", slot.end - now, self._slot_over)
        else:
            self._slot_over()

    async def _conclude(self, file: GrowingFile) -> None:
        """Give the open file its final name.  Raises OSError; the file is still open then."""
        named = True
        if file.posts:
            await self._syncing.file(file.fd, file.take_rest())
            named = self._take_name(file)
            if file.final is not None:
                await self._syncing.file(self._owner.fileno())
                drop_temporary_name(file.path, file.final)
        else:  # not even its first block could be written
            file.path.unlink(missing_ok=True)
        self._let_go(file)
        if not named:
            self._tell_lost(file)
        await self._syncing.folder(self._folder)

    def _take_name(self, file: GrowingFile) -> bool:
        """
        Give the file its final name and book it, if that is not done yet.  Return whether it has
        the name, which a file that was removed cannot get.  Raises OSError.
        """
        if file.final is not None:
            return True
        try:
            file.final = take_final_name(
                file.path,
                self._naming.alternatives(self._naming.final(file.slot)),
                lambda final: self._owner.book(file.finished(final)),
            )
        except FileNotFoundError:
            if file.path.exists():
                raise
            # It was removed, and must not keep the next one from being opened.
            return False
        return True

    def _tell_lost(self, file: GrowingFile) -> None:
        if file.posts:
            self._owner.lost(file.posts, f"{file.path.name} was removed while it was written")

    def _let_go(self, file: GrowingFile) -> None:
        self._file = None
        self._timers.stop("slot", "sync")
        file.close()

    def _sync_due(self) -> None:
        if self._file is not None and not self._file.being_synced:
            Deferred.fromCoroutine(self._sync(self._file))

    async def _sync(self, file: GrowingFile) -> None:
        """Sync what has been written, and the file's name; what comes meanwhile is synced later."""
        file.being_synced, file.unsynced = True, False
        self._owner.sync_begins()
        try:
            await self._syncing.file(file.fd, file.take_cold())
            if not file.name_synced:
                await self._syncing.folder(self._folder)
                file.name_synced = True
            self._owner.synced()
        except OSError as e:
            file.doubtful = True
            self._refused(e)
        finally:
            file.being_synced = False
        if self._file is file and file.unsynced:
            self._timers.start("sync", self._use.fsync_interval, self._sync_due)

    def _speed_changed(self) -> None:
        if self._syncing.is_slow:
            self._refused(OSError(f"it has not answered for {PATIENCE:g} s"))
        else:
            self.flush()

    def _pause_or_resume(self) -> None:
        pauses = self._is_refused or self._waiting.bytes > MOST_WAITING_FOR_DISK
        if pauses != self._has_paused:
            self._has_paused = pauses
            (self._owner.pauseProducing if pauses else self._owner.resumeProducing)()

    def _refused(self, error: OSError) -> None:
        self._timers.start("retry", RETRY, self.flush)
        if not self._is_refused:
            self._is_refused = True
            self._owner.troubled(explain_os(error))
            self._pause_or_resume()

    def _went_well(self) -> None:
        self._timers.stop("retry", "flush")
        refused, self._is_refused = self._is_refused, False
        if refused:
            self._owner.recovered()
        self._pause_or_resume()
        finishing, self._finishing = self._finishing, []
        for finished in finishing:
            finished.callback(None)
