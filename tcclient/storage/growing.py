"""
A file that whole batches of posts are appended to, and what the ledger says of it at its end.

Knows bytes on the disk; does not know when a file begins and ends, nor its final name.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import attrs

from tcclient.ledger import entries
from tcclient.ledger.counters import Counters
from tcclient.runtime.appending import End, leads_to
from tcclient.storage.postids import PostIds, id_or_none
from tcclient.storage.slots import Slot
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


@attrs.frozen
class Finished:
    """
    A file that has its final name: its `name`, its posts, its bytes and their SHA-256.

    The ids are those of its first and last post, None where one cannot be read; the arrivals are
    when these two came, in epoch seconds, None where nobody knows any more.
    """

    name: str
    posts: int
    bytes: int
    sha256: str
    first_id: str | None
    last_id: str | None
    first_arrival: float | None
    last_arrival: float | None

    def for_ledger(self, counters: Counters | None, *, recovered: bool = False) -> entries.File:
        """Return the line that books the file; `counters` are those of its job after it."""
        known = attrs.asdict(self)
        for name in ("first_arrival", "last_arrival"):
            known[name] = None if known[name] is None else entries.moment(known[name])
        return entries.File(**known, counters=counters, recovered=recovered)


class GrowingFile:
    """
    An open file.  Raises OSError if it cannot be made; a file that exists is never opened.

    `unsynced` says that something has been written since the last sync began, `being_synced` that
    this sync has not ended, `doubtful` that it has failed, and `name_synced` that the file's name
    has been synced too.  `over` says that the file is to be finished; `final` is the path of its
    final name, once that is booked.
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
        self.unsynced = False
        self.being_synced = False
        self.doubtful = False
        self.name_synced = False
        self.over = False
        self.final: Path | None = None
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

    def takes(self, batch: Batch) -> bool:
        """Return whether a batch belongs into this file: it has its slot, and is not booked yet."""
        return self.final is None and self.slot == batch.slot

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
        self.unsynced = True

    def take_cold(self) -> tuple[int, int]:
        """
        Return offset and length of the bytes that nobody is expected to read soon; none of them is
        returned again.
        """
        begin, end = self._cold, max(0, self.bytes // WARM - 1) * WARM
        self._cold = max(begin, end)
        return begin, self._cold - begin

    def take_rest(self) -> tuple[int, int]:
        """Return offset and length of all bytes that take_cold() has not returned yet."""
        begin, self._cold = self._cold, self.bytes
        return begin, self._cold - begin

    def finished(self, name: str) -> Finished:
        """Return what is booked of the file under its final name."""
        last_line = self._last_block[self._last_block.rfind(b"\n", 0, -1) + 1 :]
        return Finished(
            name,
            self.posts,
            self.bytes,
            self._sha256.hexdigest(),
            id_or_none(self._ids, self._first_line),
            id_or_none(self._ids, last_line),
            self._first_arrival,
            self._last_arrival,
        )

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)
