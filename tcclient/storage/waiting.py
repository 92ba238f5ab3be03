"""
Posts that have been taken and are not in a file yet.  Pure; takes the time.
"""

from collections import deque
from collections.abc import Callable

import attrs

from tcclient.storage.slots import Slot


@attrs.define
class Batch:
    """Posts that arrived within one slot: blocks of whole lines, oldest first; epoch seconds."""

    slot: Slot
    first_arrival: float
    last_arrival: float
    blocks: list[bytes] = attrs.field(factory=list)
    posts: int = 0
    bytes: int = 0


class Waiting:
    """The batches, in the order in which their posts came; `slot_of` knows the slot of a time."""

    def __init__(self, slot_of: Callable[[float], Slot]) -> None:
        self._slot_of = slot_of
        self._batches: deque[Batch] = deque()
        self.posts = 0
        self.bytes = 0

    @property
    def first(self) -> Batch | None:
        """The batch that is to be written next."""
        return self._batches[0] if self._batches else None

    def add(self, block: bytes, posts: int, now: float) -> None:
        """`block` holds so many posts, each ended by a newline; it came at `now`."""
        batch = self._batches[-1] if self._batches else None
        if batch is None or not batch.slot.holds(now):
            batch = Batch(self._slot_of(now), now, now)
            self._batches.append(batch)
        batch.blocks.append(block)
        batch.last_arrival = now
        batch.posts += posts
        batch.bytes += len(block)
        self.posts += posts
        self.bytes += len(block)

    def forget(self) -> int:
        """Nothing waits any more.  Returns how many posts did."""
        posts = self.posts
        self._batches.clear()
        self.posts = self.bytes = 0
        return posts

    def written(self) -> None:
        """The first batch waits no more."""
        batch = self._batches.popleft()
        self.posts -= batch.posts
        self.bytes -= batch.bytes
