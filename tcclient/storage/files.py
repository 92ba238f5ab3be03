"""
The file that posts are appended to: posts wait, are written and synced, and the file gets its name.

Knows when each of these is due, and that a disk can refuse; does not know what a ledger looks like,
nor who brings the posts.
"""

import errno
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcclient.runtime.failures import explain_os
from tcclient.runtime.timers import Timers
from tcclient.storage.bookkeeper import RETRY, Bookkeeper
from tcclient.storage.diskuse import Place
from tcclient.storage.growing import Due, GrowingFile
from tcclient.storage.lull import Lull
from tcclient.storage.pausing import Pausing
from tcclient.storage.room import Room
from tcclient.storage.slots import Slot
from tcclient.storage.syncing import PATIENCE, Syncing
from tcclient.storage.temporaryname import TemporaryNames
from tcclient.storage.waiting import Batch, Waiting

log = Logger()

MOST_WAITING = 1 << 20
"""
Bytes that may wait for the time to write them; more are written at once.  In pieces of 64 kB a post
costs a third more to write than in pieces of this size; in larger ones it costs no less.
"""


class RotatingFile(Service):
    """
    One file per slot, opened by the first post and finished by the clock.

    What the disk refuses is kept, and tried again every RETRY seconds; `owner` is asked to pause
    the posts meanwhile.  `waiting` has the posts that are in no file yet, `stored_bytes` counts
    those of the others; `syncing` is for other files of the owner too, one at a time.
    `stopService` does what finish() does.
    """

    def __init__(self, place: Place, owner: Bookkeeper) -> None:
        self._place = place
        self._owner = owner
        self._timers = Timers(place.clock)
        self.syncing = Syncing(place.use.threads, place.clock, self._speed_changed)
        self.waiting = Waiting(place.naming.slot)
        self.stored_bytes = 0
        self._names = TemporaryNames(place, owner, self.waiting)
        self._lull = Lull(self.waiting, place.use.flush_interval, place.clock, self.flush)
        self._file: GrowingFile | None = None
        self._working = False
        self._room = Room(place.folder, place.use.min_free_bytes, place.clock, place.use.free)
        self._pausing = Pausing(owner)
        self._finishing: list[Deferred[None]] = []

    @property
    def unfinished(self) -> int:
        """Number of posts in the open file, as long as its final name is not booked."""
        return 0 if self._file is None else self._file.unbooked

    @property
    def path(self) -> Path | None:
        """The open file; None where there is none."""
        return None if self._file is None else self._file.path

    @property
    def is_synced(self) -> bool:
        """Whether all that is in files is safe from a power cut."""
        return self._file is None or self._file.is_synced

    def write(self, block: bytes, posts: int) -> None:
        """
        Take `block`, which has that many posts, each ended by a newline.  It is written as soon as
        nothing more comes, after `flush_interval` at the latest, or when the disk takes it again.
        """
        self.waiting.add(block, posts, self._place.wall(), self._owner.read_until())
        self._pausing.waits(self.waiting.bytes)
        if self._pausing.is_refused:
            return
        if self._place.use.flush_interval == 0 or self.waiting.bytes >= MOST_WAITING:
            self.flush()
        else:
            self._lull.await_one()

    def flush(self) -> None:
        """Write what waits, unless the disk refuses it, or is busy with an earlier call."""
        if not self._working:
            working = Deferred.fromCoroutine(self._work())
            working.addErrback(lambda failure: log.failure("Posts could not be written.", failure))

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
            while True:
                file, batch = self._file, self.waiting.first
                if batch is not None and (file is None or file.takes == batch.slot):
                    self._store(batch)
                elif file is not None and (batch or self._finishing or file.due is not Due.NOTHING):
                    await self._settle(file)
                else:
                    break
        except OSError as e:
            refusal = e
        finally:
            self._working = False
        if refusal is not None:
            self._refused(refusal)
        elif self.syncing.is_slow:
            self._timers.start("retry", RETRY, self.flush)
        else:
            self._went_well()

    def _store(self, batch: Batch) -> None:
        """Append a batch, if the file is ours and has room for it; otherwise the file is due."""
        file = self._file
        if file is None:
            self._place.folder.mkdir(parents=True, exist_ok=True)
        elif not file.is_ours():
            return
        self._room.check(batch.bytes)
        file = file or self._begin(batch.slot)
        try:
            file.append(batch, self.waiting.stored_until(self._owner.read_until()))
        except OSError as e:
            if e.errno == errno.EFBIG and (file.fill() or self.waiting.halve_first()):
                return  # what does not fit into this file is for the next one
            raise
        self.waiting.written()
        self.stored_bytes += batch.bytes
        self._owner.stored(batch.posts)
        self._timers.start("sync", self._place.use.fsync_interval, self._sync_due)

    def _begin(self, slot: Slot) -> GrowingFile:
        self._file = file = self._names.begin(slot)
        self._timers.start("slot", max(0.0, slot.end - self._place.wall()), self.look_at_slot)
        return file

    def look_at_slot(self) -> None:
        """
        Finish the open file if its slot is over by the date, and otherwise look again when it is.
        To be called whenever the wall clock has been set.
        """
        now = self._place.wall()  # first, as this may tell of a step, which leads here as well
        if self._file is None:
            return
        self._timers.stop("slot")
        slot = self._file.slot
        if slot.holds(now):
            self._timers.start("slot", slot.end - now, self.look_at_slot)
        else:
            self._file.end_slot()
            self.flush()

    async def _settle(self, file: GrowingFile) -> None:
        """
        Finish the open file, sync it again, or let go of it.  Raises OSError; the file is still
        open then.
        """
        if file.due is Due.SYNC:
            await file.sync_again(self.syncing)
        elif file.due is Due.LET_GO:
            lacking = await self._names.lacking(file)
            self._forget()
            self._names.let_go(file, lacking)
        elif await file.finish(self.syncing, self._place.naming, self._owner):
            self._forget()
            file.close()
            await self.syncing.folder(self._place.folder)

    def _forget(self) -> None:
        self._file = None
        self._timers.stop("slot", "sync")

    def _sync_due(self) -> None:
        if self._file is not None and self._file.wants_sync:
            Deferred.fromCoroutine(self._sync(self._file))

    async def _sync(self, file: GrowingFile) -> None:
        """Sync what has been written; what comes meanwhile is synced later."""
        written = self._owner.written
        try:
            is_safe = await file.sync(self.syncing)
        except OSError as e:
            self._refused(e)
            return
        if is_safe:
            self._owner.synced(written)
        else:
            self.flush()
        if self._file is file and file.wants_sync:
            self._timers.start("sync", self._place.use.fsync_interval, self._sync_due)

    def _speed_changed(self) -> None:
        if self.syncing.is_slow:
            self._refused(OSError(f"it has not answered for {PATIENCE:g} s"))
        else:
            self.flush()

    def _refused(self, error: OSError) -> None:
        self._timers.start("retry", RETRY, self.flush)
        self._pausing.refused(explain_os(error))

    def _went_well(self) -> None:
        self._timers.stop("retry")
        self._lull.stop()
        self._pausing.taken()
        self._pausing.waits(self.waiting.bytes)
        finishing, self._finishing = self._finishing, []
        for finished in finishing:
            finished.callback(None)
