"""
What is in a data file that this process has not written.  Reads it once, from end to end.
"""

import hashlib
from functools import partial
from pathlib import Path

import attrs

from tcclient.storage.growing import Finished
from tcclient.storage.postids import PostIds, id_or_none

_BLOCK = 1 << 20
"""Bytes of a line that are looked at together; no post that was ever stored is longer."""


@attrs.frozen
class Contents:
    """Lines that are not blank, bytes, their SHA-256, and the ids of the first and last line."""

    posts: int
    bytes: int
    sha256: str
    first_id: str | None
    last_id: str | None

    def under(self, name: str, last_arrival: float | None) -> Finished:
        """As it is booked."""
        return Finished(
            name=name, **attrs.asdict(self), first_arrival=None, last_arrival=last_arrival
        )


def contents(path: Path, ids: PostIds) -> Contents:
    """The original client left blank lines between posts, and line ends of two characters."""
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
