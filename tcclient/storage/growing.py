"""
A file that whole batches of posts are appended to, until it has its final name and is booked.

                 slot_over                  booked
    growing -----------------> over ------------------> booked
     |   ^                     |  ^
     |   | synced              |  | synced
     v   | sync_failed         v  | sync_failed
    doubted ------------> over and doubted
                 slot_over

`booked` leads from the other three states there too: a file may be finished within its slot, and a
sync that was under way may fail then.  In doubt nothing is written until a sync succeeds.  Nothing
leads back from `booked`, in which only the temporary name is left to drop.

Knows bytes on the disk, and what is due; does not know when a slot ends, nor who is to be told.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from automat import TypeMachineBuilder

from tcclient.ledger.bookings import File
from tcclient.ledger.entries import moment
from tcclient.runtime.appending import End, leads_to
from tcclient.storage.bookkeeper import Bookkeeper
from tcclient.storage.finalname import drop_temporary_name, take_final_name
from tcclient.storage.postids import PostIds, id_or_none
from tcclient.storage.slots import Slot
from tcclient.storage.syncing import Syncing
from tcclient.storage.waiting import Batch

DOUBTFUL = 1_000_000_000
"""
Access time, in nanoseconds since 1970, of a file whose modification time may say too much after a
crash.
"""

WARM = 8 << 20
"""
Bytes.  Between once and twice as many at the end of an open file stay in the page cache, for
whoever follows the file; what is before them is dropped from the cache, and all of it when the file
is finished.  Otherwise a capture displaces in the course of months what others keep there, and
takes new memory for each post, which costs a virtual machine up to eight times as much as reusing
what it has (up to 8 µs per post instead of 1).
"""


class Due(Enum):
    """What is to be done with an open file before anything else."""

    NOTHING = auto()
    FINISH = auto()
    """It is to get its final name, and to be closed."""
    SYNC = auto()
    """It is in doubt whether what has been written is on the disk."""


class FileInputs(Protocol):
    """What can happen to a growing file.  Automat makes the class that implements this."""

    def slot_over(self) -> None:
        """Called when the slot has ended: the file is to be finished."""

    def booked(self) -> None:
        """Called when the file has its final name, and the ledger has it."""

    def sync_failed(self) -> None:
        """Called when a sync has failed: nobody knows what is on the disk."""

    def synced(self) -> None:
        """Called when everything has been synced after that."""


class GrowingFile:
    """
    An open file.  Raises OSError if it cannot be made; a file that exists is never opened.  It has
    so many `posts` and `bytes`; the machine sets what is `due`, and `takes`, the slot whose posts
    are appended, None while none are.  Both are asked for every batch, which the machine itself is
    too slow for.
    """

    def __init__(self, path: Path, slot: Slot, ids: PostIds) -> None:
        self.fd = os.open(
            path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666
        )
        self.path = path
        self.slot = slot
        self._ids = ids
        self.posts = 0
        self.bytes = 0
        self._being_synced = 0  # how many bytes the newest sync began with,
        self._synced = 0  # and how many are safe since a sync has ended
        self._name_synced = False
        self._final: Path | None = None
        self.takes: Slot | None = slot
        self.due = Due.NOTHING
        self._inputs = machine(self)
        self._end = End(self.fd)
        self._sha256 = hashlib.sha256()
        self._first_line = b""
        self._last_block = b""
        self._first_arrival = 0.0
        self._last_arrival = 0.0
        self._cold = 0

    @property
    def is_removed(self) -> bool:
        """Whether the file was removed or moved, and its posts with it.  Raises OSError."""
        return not leads_to(self.path, self.fd)

    @property
    def unbooked(self) -> int:
        """Number of posts, as long as they are not booked under the final name."""
        return self.posts if self._final is None else 0

    @property
    def is_synced(self) -> bool:
        """Whether all that is in the file is safe from a power cut."""
        return self._synced == self.bytes

    @property
    def wants_sync(self) -> bool:
        """Whether something has been written since the last sync, and none is under way."""
        return self._being_synced == self._synced < self.bytes

    def append(self, batch: Batch, read_until: float | None = None) -> None:
        """
        Append a whole batch.  Where it raises OSError, nothing of the batch is in the file, or what
        is will be cut off before the next one.

        `read_until` (epoch seconds) is until when all that came has been read, None: until now.
        The file's time is never later than that, not even while this runs.
        """
        if read_until is not None:
            os.utime(self.fd, ns=(DOUBTFUL, os.fstat(self.fd).st_mtime_ns))
        self._end.append(batch.blocks)
        if read_until is not None:
            with suppress(OSError):  # the time is doubtful then, which is safe
                os.utime(self.fd, (read_until, read_until))
        if not self.bytes:
            self._first_line = batch.blocks[0][: batch.blocks[0].index(b"\n")]
            self._first_arrival = batch.first_arrival
        for block in batch.blocks:
            self._sha256.update(block)
        self._last_block = batch.blocks[-1]
        self._last_arrival = batch.last_arrival
        self.posts += batch.posts
        self.bytes += batch.bytes

    def end_slot(self) -> None:
        """Have the file finished next: its slot is over."""
        self._inputs.slot_over()

    async def sync(self, syncing: Syncing) -> None:
        """
        Sync what has been written, and the file's name if it is new; what comes meanwhile is synced
        later.  Where it raises, the file is in doubt.
        """
        self._being_synced = self.bytes
        try:
            await syncing.file(self.fd, self._take_cold())
            if not self._name_synced:
                await syncing.folder(self.path.parent)
                self._name_synced = True
        except Exception:
            self._inputs.sync_failed()
            raise
        self._synced = self._being_synced

    async def sync_again(self, syncing: Syncing) -> None:
        """Sync all of a file that is in doubt.  Where it raises OSError, it is still in doubt."""
        await syncing.file(self.fd)
        self._being_synced = self._synced = self.bytes
        self._inputs.synced()

    async def finish(self, syncing: Syncing, names: Iterator[str], owner: Bookkeeper) -> bool:
        """
        Give the file the first of `names` that is free, have it booked, and sync both; go on where
        an earlier call was refused.  Return whether it has the name, which a file that was removed
        cannot get.  Raises OSError.
        """
        if not self.posts:  # not even its first block could be written
            self.path.unlink(missing_ok=True)
            return True
        begin, self._cold = self._cold, self.bytes
        await syncing.file(self.fd, (begin, self.bytes - begin))
        if self._final is None:
            try:
                self._final = self._take_name(names, owner)
            except FileNotFoundError:
                if self.path.exists():
                    raise
                # It was removed, and must not keep the next one from being opened.
                return False
        await syncing.file(owner.fileno())
        drop_temporary_name(self.path, self._final)
        return True

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)

    def _take_cold(self) -> tuple[int, int]:
        """
        Return offset and length of the bytes that nobody is expected to read soon; none of them is
        returned again.
        """
        begin, end = self._cold, max(0, self.bytes // WARM - 1) * WARM
        self._cold = max(begin, end)
        return begin, self._cold - begin

    def _take_name(self, names: Iterator[str], owner: Bookkeeper) -> Path:
        """Take a final name, have it booked, and return the new path.  Raises OSError."""
        final = take_final_name(self.path, names, lambda name: owner.book(self._finished(name)))
        self._inputs.booked()
        return final

    def _finished(self, name: str) -> File:
        """Return the line that books the file under its final name."""
        last_line = self._last_block[self._last_block.rfind(b"\n", 0, -1) + 1 :]
        return File(
            name=name,
            posts=self.posts,
            bytes=self.bytes,
            sha256=self._sha256.hexdigest(),
            first_id=id_or_none(self._ids, self._first_line),
            last_id=id_or_none(self._ids, last_line),
            first_arrival=moment(self._first_arrival),
            last_arrival=moment(self._last_arrival),
        )


_builder = TypeMachineBuilder(FileInputs, GrowingFile)
GROWING = _builder.state("growing")
OVER = _builder.state("over")
DOUBTED = _builder.state("doubted")
OVER_AND_DOUBTED = _builder.state("over and doubted")
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
def _doubt(inputs: FileInputs, file: GrowingFile) -> None:
    file.takes, file.due = None, Due.SYNC


@GROWING.upon(FileInputs.booked).to(BOOKED)
@OVER.upon(FileInputs.booked).to(BOOKED)
@DOUBTED.upon(FileInputs.booked).to(BOOKED)
@OVER_AND_DOUBTED.upon(FileInputs.booked).to(BOOKED)
def _book(inputs: FileInputs, file: GrowingFile) -> None:
    file.takes, file.due = None, Due.FINISH


DOUBTED.upon(FileInputs.slot_over).to(OVER_AND_DOUBTED).returns(None)
for _state in (OVER, OVER_AND_DOUBTED, BOOKED):
    _state.upon(FileInputs.slot_over).loop().returns(None)
BOOKED.upon(FileInputs.sync_failed).loop().returns(None)

machine = _builder.build()
"""Returns the inputs of a new machine, in the state `growing`, for a GrowingFile."""
