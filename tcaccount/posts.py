"""
Reads a data file: counts its posts and bytes and hashes it, in one pass and in bounded memory.

Knows the lines of such a file; does not know the ledger.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import attrs

from tcclient.storage.postids import NotAnObject, PostIds
from tcclient.stream.framing import Overlong, Splitter, apart

_BLOCK = 1 << 20


@attrs.define
class FileContents:
    """
    What is in a file.  `posts` is the number of lines that are not blank; `together` of them hold
    several JSON objects with nothing between them, and `broken` are no JSON objects otherwise.  The
    first of those is the `first_together`-th post, or the `first_broken`-th, from 1, 0 for none.
    `torn` is the number of bytes behind the last newline; `sha256` is in hexadecimal digits.
    """

    posts: int = 0
    bytes: int = 0
    sha256: str = ""
    broken: int = 0
    first_broken: int = 0
    torn: int = 0
    together: int = 0
    first_together: int = 0


def read(
    path: Path,
    ids: PostIds,
    advance: Callable[[int], object],
    take: Callable[[str], object] = lambda identity: None,
) -> FileContents:
    """
    Return what is in a file.  `ids` finds the ids of its posts, and `take` is called with each of
    them; `advance` is called with the size of each block.  Raises OSError.
    """
    found, splitter, digest = FileContents(), Splitter(), hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            advance(len(block))
            digest.update(block)
            found.bytes += len(block)
            _look_at(splitter.feed(block), ids, found, take)
    found.torn = splitter.incomplete
    _look_at(splitter.feed(b"\n"), ids, found, take)
    found.sha256 = digest.hexdigest()
    return found


def _look_at(
    messages: list[bytes | Overlong],
    ids: PostIds,
    found: FileContents,
    take: Callable[[str], object],
) -> None:
    """Count these lines of a file in `found`, and call `take` with each id in them."""
    for message in messages:
        if isinstance(message, bytes) and message.isspace():
            continue
        found.posts += 1
        try:
            if isinstance(message, Overlong):
                raise NotAnObject
            identity = ids.find(message)
        except NotAnObject:
            if isinstance(message, bytes) and apart(message):
                found.together += 1
                found.first_together = found.first_together or found.posts
            else:
                found.broken += 1
                found.first_broken = found.first_broken or found.posts
        else:
            if identity is not None:
                take(identity)
