"""
What is in a data file: one that this process writes, or one that it has to read.

Knows posts as lines and by their ids; does not know why a file is read.
"""

import hashlib
from functools import partial
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct, structs

from tcclient.ledger.bookings import File
from tcclient.ledger.entries import moment
from tcclient.storage.postids import PostIds, id_or_none
from tcclient.storage.slots import Slot
from tcclient.storage.waiting import Batch

BLOCK = 1 << 20
"""Bytes of a line that are read together; no post that was ever stored is longer."""


class Written:
    """What has been written to a file: so many `posts` and `bytes`, and what is said of them."""

    def __init__(self, ids: PostIds) -> None:
        self._ids = ids
        self._sha256 = hashlib.sha256()
        self._first_line = b""
        self._last_line = b""
        self._first_arrival = 0.0
        self._last_arrival = 0.0
        self.posts = 0
        self.bytes = 0

    def add(self, batch: Batch) -> None:
        """Add a batch that has been written."""
        if not self.bytes:
            self._first_line = batch.blocks[0][: batch.blocks[0].index(b"\n")]
            self._first_arrival = batch.first_arrival
        for block in batch.blocks:
            self._sha256.update(block)
        last = batch.blocks[-1]
        self._last_line = last[last.rfind(b"\n", 0, -1) + 1 :]
        self._last_arrival = batch.last_arrival
        self.posts += batch.posts
        self.bytes += batch.bytes

    def again(self, slot: Slot, posts: list[bytes]) -> Batch:
        """Return a batch of some of the posts: they may have come when any of them did."""
        size = sum(map(len, posts))
        first, last = self._first_arrival, self._last_arrival
        return Batch(slot, first, last, first, posts, len(posts), size)

    def booked(self, name: str) -> File:
        """Return the line that books the file under its final name."""
        return File(
            name=name,
            posts=self.posts,
            bytes=self.bytes,
            sha256=self._sha256.hexdigest(),
            first_id=id_or_none(self._ids, self._first_line),
            last_id=id_or_none(self._ids, self._last_line),
            first_arrival=moment(self._first_arrival),
            last_arrival=moment(self._last_arrival),
        )


class Contents(Struct, frozen=True):
    """
    What is in a data file: its `posts` (lines that are not blank), of which `odd` do not begin and
    end as one does, its `bytes` and their SHA-256.  The ids are those of its first and last post,
    None where one cannot be read.
    """

    posts: int
    odd: int
    bytes: int
    sha256: str
    first_id: str | None
    last_id: str | None

    def recovered(self, name: str, last_arrival: float | None) -> File:
        """
        Return the line that books the file, which a crash has left, under its final name.
        `last_arrival` is in epoch seconds, None where nobody knows, as with that of the first post.
        """
        arrival = None if last_arrival is None else moment(last_arrival)
        booked = {k: v for k, v in structs.asdict(self).items() if k != "odd"}
        return File(name=name, **booked, last_arrival=arrival, recovered=True)


def contents(path: Path, ids: PostIds) -> Contents:
    """
    Read a file once, from end to end, and return what is in it.  Raises OSError.

    Blank lines are no posts: the original client left some between posts, and line ends of two
    characters.
    """
    sha256 = hashlib.sha256()
    posts = odd = size = 0
    first = last = b""
    blank = True
    begins = False
    with path.open("rb") as file:
        for piece in iter(partial(file.readline, BLOCK), b""):
            sha256.update(piece)
            size += len(piece)
            if blank and not piece.isspace():
                blank = False
                posts += 1
                first, last = first or piece, piece
                begins = piece.startswith(b"{")
            if not blank and piece.endswith(b"\n"):
                blank = True
                odd += not (begins and piece.rstrip().endswith(b"}"))
    return Contents(
        posts, odd, size, sha256.hexdigest(), id_or_none(ids, first), id_or_none(ids, last)
    )


def begins_with(file: BinaryIO, beginning: Path) -> bool:
    """Return whether what is read from a file begins with all the bytes of another.  OSError."""
    with beginning.open("rb") as other:
        blocks = iter(partial(other.read, 1 << 16), b"")
        return all(file.read(len(block)) == block for block in blocks)
