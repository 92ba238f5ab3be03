"""
A file that whole batches of posts are appended to, until it has its final name and is booked.

               slot_over            full           booked
    growing ------------> over ------------> full --------> booked
     |   ^                |  ^                |
     |   | synced         |  | synced         | sync_failed
     v   | sync_failed    v  | sync_failed    |
    doubted -----------> over and doubted <---+
             slot_over

`full` and `booked` lead from `growing` there too, and `booked` from all states: a file may be full
or finished within its slot, and a sync that was under way may fail then.  In doubt nothing is
written until a sync succeeds.  Nothing leads back from `booked`, in which only the temporary name
is left to drop.  From all others `disturbed` leads to `lost`, where somebody else has removed,
replaced or changed the file: nothing is left to do but to let go of it.

Knows bytes on the disk, and what is due; does not know when a slot ends, nor who is to be told.
"""

from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Protocol

from automat import TypeMachineBuilder
from twisted.internet.defer import Deferred

from tcclient.runtime.unheeded import unheeded
from tcclient.storage.bookkeeper import Bookkeeper
from tcclient.storage.contents import Written
from tcclient.storage.finalname import drop_temporary_name, take_final_name
from tcclient.storage.lane import Lane
from tcclient.storage.openfile import OpenFile
from tcclient.storage.postids import PostIds
from tcclient.storage.slots import Naming, Slot
from tcclient.storage.syncing import Syncing, cold
from tcclient.storage.waiting import Batch


class Due(Enum):
    """What is to be done with an open file before anything else."""

    NOTHING = auto()
    FINISH = auto()
    """It is to get its final name, and to be closed."""
    SYNC = auto()
    """It is in doubt whether what has been written is on the disk."""
    LET_GO = auto()
    """It is not what has been written, or not under its name: the next one is to be begun."""


class FileInputs(Protocol):
    """What can happen to a growing file.  Automat makes the class that implements this."""

    def slot_over(self) -> None:
        """Called when the slot has ended: the file is to be finished."""

    def full(self) -> None:
        """Called when the file has posts, and cannot become larger."""

    def disturbed(self) -> None:
        """Called when somebody else has removed, replaced or changed the file."""

    def booked(self) -> None:
        """Called when the file has its final name, and the ledger has it."""

    def sync_failed(self) -> None:
        """Called when a sync has failed: nobody knows what is on the disk."""

    def synced(self) -> None:
        """Called when everything has been synced after that."""


class GrowingFile:
    """
    An open file.  Raises OSError if it cannot be made; a file that exists is never opened.  The
    machine sets what is `due`, and `takes`, the slot whose posts are appended, None while none are.
    Both are asked for every batch, which the machine itself is too slow for.  `written` is what it
    has, and `disturbance` a clause: what somebody else has done to it.
    """

    def __init__(self, path: Path, slot: Slot, ids: PostIds) -> None:
        self.on_disk = OpenFile(path)
        self.path = path
        self.beside = ""
        """The id of the ledger beside which it was made."""
        self.slot = slot
        self.written = Written(ids)
        self._being_synced = 0  # how many bytes the newest sync began with,
        self._synced = 0  # and how many are safe since a sync has ended
        self._name_synced = False
        self._final: Path | None = None
        self.takes: Slot | None = slot
        self.due = Due.NOTHING
        self.disturbance = ""
        self._inputs = machine(self)
        self._cold = 0

    @property
    def unbooked(self) -> int:
        """Number of posts, as long as they are not booked under the final name."""
        return self.written.posts if self._final is None else 0

    @property
    def is_synced(self) -> bool:
        """Whether all that is in the file is safe from a power cut."""
        return self._synced == self.written.bytes

    @property
    def wants_sync(self) -> bool:
        """Whether something has been written since the last sync, and none is under way."""
        return self._being_synced == self._synced < self.written.bytes

    async def is_ours(self, lane: Lane) -> bool:
        """
        Return whether the file still has its name, and the size of what was written.  If not, it is
        due to be let go of.  Raises OSError if that cannot be known.
        """
        async with lane.turn():
            return self._is_undisturbed(await lane.do(self._look))

    def _is_undisturbed(self, disturbance: str) -> bool:
        self.disturbance = disturbance
        if disturbance:
            self._inputs.disturbed()
        return not disturbance

    def _look(self) -> str:
        return self.on_disk.disturbance(self.written.bytes)

    async def append(
        self, batch: Batch, read_until: float, room: Callable[[int], None], lane: Lane
    ) -> bool:
        """
        Append a whole batch within a turn of the lane, if the file is ours, which is returned, and
        `room` does not raise OSError for so many bytes.  Where it raises OSError, nothing of the
        batch is in the file, or what is will be cut off before the next one.

        `read_until` (epoch seconds) is until when all that came has been read.  The file's time is
        never later than that, not even while this runs, however long it stands still meanwhile.
        """

        def act() -> str:
            disturbance = self._look()
            if not disturbance:
                room(batch.bytes)
                self.on_disk.put(batch.blocks, read_until)
            return disturbance

        is_ours = self._is_undisturbed(await lane.do(act))
        if is_ours:
            self.written.add(batch)
        return is_ours

    def fill(self) -> bool:
        """
        Have the file finished before more is written, as it cannot become larger.  Return False if
        it has no posts.
        """
        if self.written.posts:
            self._inputs.full()
        return self.written.posts > 0

    def end_slot(self) -> None:
        """Have the file finished next: its slot is over."""
        self._inputs.slot_over()

    async def sync(self, lane: Lane, syncing: Syncing) -> bool:
        """
        Sync what has been written, and the file's name if it is new; what comes meanwhile is synced
        later.  Return False for a file that is not ours.  Where it raises, the file is in doubt.
        """
        self._being_synced = self.written.bytes
        span = cold(self._cold, self.written.bytes)
        self._cold += span[1]
        try:
            async with lane.turn():
                if not self._is_undisturbed(await lane.do(self._look)):
                    return False
                # Still within the turn it gets a descriptor of its own: the file may be closed.
                synced = Deferred.fromCoroutine(syncing.file(self.on_disk.fd, span))
            await synced
            await self._sync_name(syncing)
        except Exception:
            self._inputs.sync_failed()
            raise
        self._synced = self._being_synced
        return True

    async def sync_again(self, syncing: Syncing) -> None:
        """Sync all of a file that is in doubt.  Where it raises OSError, it is still in doubt."""
        await syncing.file(self.on_disk.fd)
        await self._sync_name(syncing)
        self._being_synced = self._synced = self.written.bytes
        self._inputs.synced()

    async def _sync_name(self, syncing: Syncing) -> None:
        if not self._name_synced:
            await syncing.folder(self.path.parent)
            self._name_synced = True

    async def finish(self, lane: Lane, syncing: Syncing, naming: Naming, owner: Bookkeeper) -> bool:
        """
        Give the file the first final name that is free, have it booked, and sync both; go on where
        an earlier call was refused.  Return whether it is finished, which one that is not ours
        cannot be.  Raises OSError.
        """
        if not self.written.posts:  # not even its first block could be written
            await lane.run(self._remove)
            return True
        await lane.run(self.on_disk.take_back)
        begin, self._cold = self._cold, self.written.bytes
        await syncing.file(self.on_disk.fd, (begin, self.written.bytes - begin))
        if self._final is None:
            if not await self.is_ours(lane):
                return False
            take = partial(take_final_name, self.path, naming.finals(self.path.name))
            self._final = await lane.run(take)
            owner.book(self.written.booked(self._final.name))
            self._inputs.booked()
        await owner.booked()
        await lane.run(partial(drop_temporary_name, self.path, self._final))
        return True

    def _remove(self) -> None:
        if not self._look():
            self.path.unlink()


_builder = TypeMachineBuilder(FileInputs, GrowingFile)
GROWING = _builder.state("growing")
OVER = _builder.state("over")
DOUBTED = _builder.state("doubted")
OVER_AND_DOUBTED = _builder.state("over and doubted")
FULL = _builder.state("full")
LOST = _builder.state("lost")
BOOKED = _builder.state("booked")


@DOUBTED.upon(FileInputs.synced).to(GROWING)
def _grow(inputs: FileInputs, file: GrowingFile) -> None:
    file.takes, file.due = file.slot, Due.NOTHING


@GROWING.upon(FileInputs.slot_over).to(OVER)
@OVER_AND_DOUBTED.upon(FileInputs.synced).to(OVER)
def _end(inputs: FileInputs, file: GrowingFile) -> None:
    file.takes, file.due = file.slot, Due.FINISH


@GROWING.upon(FileInputs.sync_failed).to(DOUBTED)
@OVER.upon(FileInputs.sync_failed).to(OVER_AND_DOUBTED)
@FULL.upon(FileInputs.sync_failed).to(OVER_AND_DOUBTED)
def _doubt(inputs: FileInputs, file: GrowingFile) -> None:
    file.takes, file.due = None, Due.SYNC


@GROWING.upon(FileInputs.full).to(FULL)
@OVER.upon(FileInputs.full).to(FULL)
def _finish(inputs: FileInputs, file: GrowingFile) -> None:
    file.takes, file.due = None, Due.FINISH


def _lose(inputs: FileInputs, file: GrowingFile) -> None:
    file.takes, file.due = None, Due.LET_GO


for _state in (GROWING, OVER, FULL, DOUBTED, OVER_AND_DOUBTED):
    _state.upon(FileInputs.booked).to(BOOKED)(_finish)
    _state.upon(FileInputs.disturbed).to(LOST)(_lose)
DOUBTED.upon(FileInputs.slot_over).to(OVER_AND_DOUBTED)(unheeded)
for _state in (OVER, OVER_AND_DOUBTED, FULL, LOST, BOOKED):
    _state.upon(FileInputs.slot_over).loop()(unheeded)
for _state in (LOST, BOOKED):
    _state.upon(FileInputs.sync_failed).loop()(unheeded)
    _state.upon(FileInputs.disturbed).loop()(unheeded)

machine = _builder.build()
"""Returns the inputs of a new machine, in the state `growing`, for a GrowingFile."""
