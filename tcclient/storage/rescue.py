"""
The posts of a file that was replaced while it was written, which the file in its place lacks.

Knows posts by their ids; does not know what is done with them.  Only reads, so that it may run in a
thread.
"""

import os
from collections.abc import Hashable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path

from tcclient.runtime.backwards import lines_backwards
from tcclient.storage.postids import PostIds, id_or_none

MOST_BYTES = 32 << 20
"""Bytes of posts that are returned at most: the newest."""

_LOOK_BACK = 1000
"""Lines at the end of the file in its place by which is seen how far that one reaches."""

_BLOCK = 1 << 20


def lacking(fd: int, there: Path, ids: PostIds, posts: int) -> list[bytes]:
    """
    Return the last of the `posts` in the open file `fd`, with their newlines, in their order: those
    behind the last one that is also near the end of the file `there`, or else as many as that has
    fewer, as it may have been edited.  None where there is nothing: the file was removed; nor where
    one of them cannot be read.
    """
    with suppress(OSError):
        if os.path.lexists(there):
            known = _known(there, ids)
            behind = 0
            for post in _newest_first(fd):
                if _identity(ids, post) in known:
                    break
                behind += 1
            else:
                behind = max(0, posts - _lines(there))
            return list(islice(_newest_first(fd), behind))[::-1]
    return []


def _newest_first(fd: int) -> Iterator[bytes]:
    """Yield the last posts of an open file, from the end, up to MOST_BYTES."""
    left = MOST_BYTES
    for post in lines_backwards(fd):
        left -= len(post)
        if left < 0:
            return
        yield post


def _known(there: Path, ids: PostIds) -> set[Hashable]:
    """Return what tells the posts near the end of a file from others; nothing of what is none."""
    if not there.is_file():
        return set()
    with there.open("rb") as file:
        newest = islice(lines_backwards(file.fileno()), _LOOK_BACK)
        return {_identity(ids, post) for post in newest}


def _lines(there: Path) -> int:
    """Return how many lines a file has; 0 for what is none."""
    if not there.is_file():
        return 0
    with there.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(partial(file.read, _BLOCK), b""))


def _identity(ids: PostIds, post: bytes) -> Hashable:
    return id_or_none(ids, post) or post
