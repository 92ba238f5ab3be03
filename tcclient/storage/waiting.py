"""
Posts that have been taken and are not in a file yet.  Knows slots; knows no disk.  Pure.
"""

from collections import deque
from collections.abc import Callable
from typing import Self

from msgspec import Struct, field, structs

from tcclient.runtime.wallclock import Date
from tcclient.storage.slots import Slot


class Batch(Struct):
    """
    Posts that arrived within one slot: `blocks` of whole lines, the oldest first.  `posts` and
    `bytes` are how many there are; the arrivals of the first and last post are in epoch seconds.
    None of them is older than `since`: they may have waited to be read.  One that `is_due` is to be
    written, and takes no more.
    """

    slot: Slot
    first_arrival: float
    last_arrival: float
    since: float
    blocks: list[bytes] = field(default_factory=list)
    posts: int = 0
    bytes: int = 0
    is_due: bool = False

    def halve(self) -> Self | None:
        """Keep about half of the posts, and return the others; None if there is only one."""
        if self.posts == 1:
            return None
        if len(self.blocks) == 1:
            [block] = self.blocks
            end = block.find(b"\n", len(block) // 2, -1) + 1 or block.rfind(b"\n", 0, -1) + 1
            self.blocks = [block[:end], block[end:]]
        middle = len(self.blocks) // 2
        others = structs.replace(
            self,
            blocks=self.blocks[middle:],
            posts=sum(block.count(b"\n") for block in self.blocks[middle:]),
            bytes=sum(map(len, self.blocks[middle:])),
        )
        del self.blocks[middle:]
        self.posts -= others.posts
        self.bytes -= others.bytes
        return others


class Waiting:
    """
    The batches that wait, in the order in which their posts came.  `slot_of` returns the slot of a
    time; `posts` and `bytes` are how many wait.
    """

    def __init__(self, slot_of: Callable[[Date], Slot]) -> None:
        self._slot_of = slot_of
        self._slot = Slot(0.0, 0.0, "")  # the newest; none yet, which holds no time
        self._batches: deque[Batch] = deque()
        self.posts = 0
        self.bytes = 0

    @property
    def first(self) -> Batch | None:
        """The batch that is to be written next; None if nothing waits."""
        return self._batches[0] if self._batches else None

    @property
    def due(self) -> Batch | None:
        """The first batch, if it is due; None if not, or if nothing waits."""
        return self._batches[0] if self._batches and self._batches[0].is_due else None

    def all_due(self) -> None:
        """Have all that waits by now written: what comes later waits by itself."""
        for batch in self._batches:
            batch.is_due = True

    @property
    def since(self) -> float | None:
        """When (epoch seconds) the first post came that waits, at the earliest; None for none."""
        return self._batches[0].since if self._batches else None

    def stored_until(self, read_until: float) -> float:
        """
        Return until when all that came is stored once the first batch is (epoch seconds): until
        what waits behind it came, or `read_until`, when all had been read.
        """
        return read_until if len(self._batches) < 2 else min(read_until, self._batches[1].since)

    def add(self, block: bytes, posts: int, now: Date, read_until: Callable[[], float]) -> None:
        """
        Add a block of so many posts, each ended by a newline, which came at `now` (epoch seconds).
        `read_until` returns until when all that came had been read before; only the first block of
        a batch asks for that.
        """
        batch = self._batches[-1] if self._batches else None
        if batch is None or batch.is_due or not batch.slot.holds(now):
            if not self._slot.holds(now):
                self._slot = self._slot_of(now)
            batch = Batch(self._slot, now, now, min(read_until(), now))
            self._batches.append(batch)
        batch.blocks.append(block)
        batch.last_arrival = now
        batch.posts += posts
        batch.bytes += len(block)
        self.posts += posts
        self.bytes += len(block)

    def put_first(self, batch: Batch) -> None:
        """Have a batch written before all others."""
        batch.is_due = True
        self._batches.appendleft(batch)
        self.posts += batch.posts
        self.bytes += batch.bytes

    def forget(self) -> int:
        """Forget all that waits.  Return how many posts these are."""
        posts = self.posts
        self._batches.clear()
        self.posts = self.bytes = 0
        return posts

    def halve_first(self) -> bool:
        """Make two batches of the first.  Return whether that can be done: it has several posts."""
        others = self._batches[0].halve()
        if others is not None:
            self._batches.insert(1, others)
        return others is not None

    def written(self) -> None:
        """Remove the first batch: it has been written."""
        batch = self._batches.popleft()
        self.posts -= batch.posts
        self.bytes -= batch.bytes
