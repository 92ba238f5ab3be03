"""
What is in a data file that this process has not written.

Knows posts as lines and by their ids; does not know why a file is read.
"""

import hashlib
from functools import partial
from pathlib import Path

from msgspec import Struct, structs

from tcclient.ledger.bookings import File
from tcclient.ledger.entries import moment
from tcclient.storage.postids import PostIds, id_or_none

_BLOCK = 1 << 20
"""Bytes of a line that are read together; no post that was ever stored is longer."""


class Contents(Struct, frozen=True):
    """
    What is in a data file: its `posts` (lines that are not blank), its `bytes` and their SHA-256.
    The ids are those of its first and last post, None where one cannot be read.
    """

    posts: int
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
        return File(name=name, **structs.asdict(self), last_arrival=arrival, recovered=True)


def contents(path: Path, ids: PostIds) -> Contents:
    """
    Read a file once, from end to end, and return what is in it.  Raises OSError.

    Blank lines are no posts: the original client left some between posts, and line ends of two
    characters.
    """
    sha256 = hashlib.sha256()
    posts = size = 0
    first = last = b""
    blank = True
    with path.open("rb") as file:
        for piece in iter(partial(file.readline, _BLOCK), b""):
            sha256.update(piece)
            size += len(piece)
            if blank and not piece.isspace():
                blank = False
                posts += 1
                first, last = first or piece, piece
            blank = blank or piece.endswith(b"\n")
    return Contents(posts, size, sha256.hexdigest(), id_or_none(ids, first), id_or_none(ids, last))
