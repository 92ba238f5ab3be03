"""
The file that posts are appended to: what was taken waits, is written, synced, and gets its name.

Knows when each of these is due, and that a disk can refuse; what an account looks like, and who
brings the posts, is its owner's business.
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
from tcclient.storage.growing import Growing
from tcclient.storage.room import Room
from tcclient.storage.slots import Naming, Slot
from tcclient.storage.syncing import PATIENCE, Syncing
from tcclient.storage.waiting import Batch, Waiting

log = Logger()

MOST_WAITING_FOR_DISK = 4 << 20
"""Bytes that wait for a disk that is busy before nothing more is taken."""

RETRY = 1.0
"""Seconds until a disk that has refused something is tried again."""

MOST_WAITING = 1 << 20
"""
Bytes that may wait for the time to write them; more are written at once.  Written in pieces of
64 kB, a post costs a third more than in such of this size; in larger ones it costs no less.
"""


class RotatingFile(Service):
    """
    One file per slot, opened by the first post and finished by the clock.

    What the disk refuses is kept, and tried every RETRY seconds; the owner has no more taken
    meanwhile.  `stopService` finishes the open file, as finish() does.
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
        self._file: Growing | None = None
        self._working = False
        self._room = Room(folder, use.min_free_bytes, clock, use.free)
        self._is_refused = False
        self._has_paused = False
        self._finishing: list[Deferred[None]] = []

    @property
    def unfinished(self) -> int:
        """The posts in the file whose final name is not booked yet."""
        return 0 if self._file is None or self._file.final else self._file.posts

    @property
    def waiting(self) -> int:
        """The posts that are in no file yet."""
        return self._waiting.posts

    @property
    def waiting_since(self) -> float | None:
        """When the first post came that is in no file yet; None where none waits."""
        batch = self._waiting.first
        return None if batch is None else batch.first_arrival

    @property
    def is_synced(self) -> bool:
        """Whether all that is in files is safe from a power cut."""
        file = self._file
        return file is None or not (file.unsynced or file.being_synced or file.doubtful)

    def write(self, block: bytes, posts: int) -> None:
        """
        Take `block`, which holds that many posts, each ended by a newline.  It is in the file as
        soon as nothing more comes, after `flush_interval` at the latest, or when the disk takes it.
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
        """Write what waits, but where the disk refuses it, or is busy with finishing a file."""
        if not self._working:
            working = Deferred.fromCoroutine(self._work())
            working.addErrback(lambda failure: log.failure("Posts could not be written.", failure))

    def _flush_unless_more_comes(self, before: int) -> None:
        """
        A turn of the reactor lies between two calls: who was to be read has been.  `before` is how
        many bytes waited in the last one.
        """
        since, waiting = self.waiting_since, self._waiting.bytes
        if since is None:
            return
        if waiting == before or self._clock.seconds() - since >= self._use.flush_interval:
            self.flush()
        else:
            self._timers.start("flush", 0, partial(self._flush_unless_more_comes, waiting))

    def give_up(self) -> int:
        """Forget what is in no file.  Returns how many posts that are."""
        return self._waiting.forget()

    def sync(self, fd: int) -> Deferred[None]:
        """
        Fires when what was written to another file of the owner's is safe from a power cut; fails
        with OSError.  It waits for its turn, as the disk is asked for one thing at a time.
        """
        return self._syncing.file(fd)

    def finish(self) -> Deferred[None]:
        """
        Fires when all that was taken is in files under their final names: where the disk refuses,
        that is when it has recovered.
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
        """Do what is to be done next.  Whether there was anything."""
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

    def _begin(self, slot: Slot) -> Growing:
        self._file = file = Growing(
            self._folder / self._naming.temporary(slot), slot, self._use.ids
        )
        self._timers.start("slot", max(0.0, slot.end - self._clock.seconds()), self._slot_over)
        return file

    def _slot_over(self) -> None:
        if self._file is not None:
            self._file.over = True
            self.flush()

    def clock_stepped(self) -> None:
        """The clock has been set: the slot of the open file ends when it shows that it does."""
        if self._file is None:
            return
        self._timers.stop("slot")
        slot, now = self._file.slot, self._clock.seconds()
        if slot.holds(now):
            self._timers.start("slot", slot.end - now, self._slot_over)
        else:
            self._slot_over()

    async def _conclude(self, file: Growing) -> None:
        """Give the open file its final name.  Raises OSError; it is still open then."""
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

    def _take_name(self, file: Growing) -> bool:
        """Whether its final name is booked now; not where it has been removed."""
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
            # It cannot be finished any more, and must not keep the next one from being opened.
            return False
        return True

    def _tell_lost(self, file: Growing) -> None:
        if file.posts:
            self._owner.lost(file.posts, f"{file.path.name} was removed while it was written")

    def _let_go(self, file: Growing) -> None:
        self._file = None
        self._timers.stop("slot", "sync")
        file.close()

    def _sync_due(self) -> None:
        if self._file is not None and not self._file.being_synced:
            Deferred.fromCoroutine(self._sync(self._file))

    async def _sync(self, file: Growing) -> None:
        """Sync what has been written, and its name; what comes meanwhile is for the next time."""
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
