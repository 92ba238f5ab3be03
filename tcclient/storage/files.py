"""
The file that posts are appended to: posts wait, are written and synced, and the file gets its name.

Knows when each of these is due, and that a disk can refuse; does not know what a ledger looks like,
nor who brings the posts.
"""

import errno
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred

from tcclient.runtime.timers import Timers, Together
from tcclient.storage.bookkeeper import Bookkeeper
from tcclient.storage.diskuse import Place
from tcclient.storage.diskwork import DiskWork
from tcclient.storage.growing import Due, GrowingFile
from tcclient.storage.lull import Lull
from tcclient.storage.room import Room
from tcclient.storage.slots import Slot
from tcclient.storage.temporaryname import TemporaryNames
from tcclient.storage.waiting import Batch, Waiting

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
    those of the others, of which the last was written at `taken_at`, by the clock.  `stopService`
    does what finish() does.
    """

    def __init__(self, place: Place, owner: Bookkeeper) -> None:
        self._place = place
        self._owner = owner
        self._timers = Timers(Together(place.clock))
        self._work = DiskWork(place, owner, self._step, self._rest)
        self.waiting = Waiting(place.naming.slot)
        self.stored_bytes = 0
        self.taken_at = 0.0
        self._names = TemporaryNames(place, owner, self.waiting)
        self._lull = Lull(self.waiting, place.use.flush_interval, place.clock, self.flush)
        self._file: GrowingFile | None = None
        self._room = Room(place.folder, place.use.min_free_bytes, place.clock, place.use.free)

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
        self.waiting.add(block, posts, self._place.wall(), self._owner.read_until)
        self._work.pausing.waits(self.waiting.bytes)
        if self._work.pausing.is_refused:
            return
        if self._place.use.flush_interval == 0 or self.waiting.bytes >= MOST_WAITING:
            self.flush()
        else:
            self._lull.await_one()

    def flush(self) -> None:
        """
        Have what waits written, unless the disk refuses it; behind what is written now, if anything
        is.
        """
        self.waiting.all_due()
        self._work.go_on()

    def written(self) -> Deferred[None]:
        """
        Have what waits written.  Fires when nothing waits, or the disk refuses it or does not
        answer.
        """
        return self._work.written()

    def finish(self) -> Deferred[None]:
        """
        Finish the open file.  Fires when all posts are in files under their final names: if the
        disk refuses, when it has recovered.
        """
        return self._work.finished()

    def give_up(self) -> int:
        """
        Write nothing more, as the process ends; who waits for that need not.  Return how many posts
        are in no file.
        """
        self._timers.stop("slot", "sync")
        self._lull.stop()
        posts = self.waiting.forget()
        self._work.give_up()
        return posts

    def stopService(self) -> Deferred[None]:
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        return self.finish()

    async def _step(self) -> bool:
        """Write the next batch, or finish the file.  Return False where neither is due."""
        work = self._work
        if work.is_awaited or work.pausing.is_refused:
            self.waiting.all_due()
        file, batch = self._file, self.waiting.due
        if batch is not None and (file is None or file.takes == batch.slot):
            await self._store(batch)
        elif file is not None and (batch or work.is_finishing or file.due is not Due.NOTHING):
            await self._settle(file)
        else:
            return False
        return True

    def _rest(self) -> None:
        if not self.waiting.posts:
            self._lull.stop()
        self._work.pausing.waits(self.waiting.bytes)

    async def _store(self, batch: Batch) -> None:
        """Append a batch, if the file is ours and has room for it; otherwise the file is due."""
        until = self.waiting.stored_until(self._owner.read_until())
        async with self._work.writing.turn():
            file = self._file or await self._begin(batch.slot)
            try:
                is_stored = await file.append(batch, until, self._room.check, self._work.writing)
            except OSError as e:
                if e.errno != errno.EFBIG or self._work.is_given_up:
                    raise
                # What does not fit into this file is for the next one, if any can have it.
                if not file.fill() and not self.waiting.halve_first():
                    self.waiting.written()
                    self._owner.too_large(batch.bytes)
                return
            if is_stored and not self._work.is_given_up:
                self.waiting.written()
                self.stored_bytes += batch.bytes
                self.taken_at = self._place.clock.seconds()
                self._owner.stored(batch.posts)
                self._timers.start("sync", self._place.use.fsync_interval, self._sync_due)

    async def _begin(self, slot: Slot) -> GrowingFile:
        """Begin a file within a turn.  Raises OSError, also where there is too little room."""
        await self._work.writing.do(self._find_room)
        self._file = file = await self._names.begin(slot, self._work.writing)
        self._timers.start("slot", max(0.0, slot.end - self._place.wall()), self.look_at_slot)
        return file

    def _find_room(self) -> None:
        self._place.folder.mkdir(parents=True, exist_ok=True)
        self._room.check(0)

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
        work = self._work
        if file.due is Due.SYNC:
            await file.sync_again(self._work.syncing)
        elif file.due is Due.LET_GO:
            lacking = await self._names.lacking(file)
            gone = await self._names.close(file, self._work.writing)
            self._forget()
            self._names.let_go(file, lacking, gone)
        elif await file.finish(work.writing, work.syncing, self._place.naming, self._owner):
            self._forget()
            await work.writing.run(file.on_disk.close)
            await work.syncing.folder(self._place.folder)

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
            is_safe = await file.sync(self._work.writing, self._work.syncing)
        except OSError as e:
            self._work.refused(e)
            return
        if is_safe:
            self._owner.synced(written)
        else:
            self.flush()
        if self._file is file and file.wants_sync:
            self._timers.start("sync", self._place.use.fsync_interval, self._sync_due)
