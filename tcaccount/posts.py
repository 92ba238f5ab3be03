"""
What is in a data file: its posts, bytes and hash, in one pass and in bounded memory.

Knows lines; nothing of the ledger.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from tcclient.storage.postids import NotAnObject, PostIds
from tcclient.stream.framing import Overlong, Splitter

_BLOCK = 1 << 20


@attrs.define
class FileContents:
    """
    What a file holds.  `posts` are the lines that are not blank; of these `broken` are no JSON
    objects, the first of them the `first_broken`-th; `torn` are the bytes behind the last newline.
    """

    posts: int = 0
    bytes: int = 0
    sha256: str = ""
    broken: int = 0
    first_broken: int = 0
    torn: int = 0


def blocks(path: Path, advance: Callable[[int], object]) -> Iterator[bytes]:
    """The bytes of a file; `advance` is told how many.  Raises OSError."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            advance(len(block))
            yield block


def read(
    path: Path,
    ids: PostIds,
    advance: Callable[[int], object],
    take: Callable[[str], object] = lambda identity: None,
) -> FileContents:
    """
    Return what is in a file.  `ids` finds the ids of its posts, of which `take` gets each.  Raises
    OSError.
    """
    found, splitter, digest = FileContents(), Splitter(), hashlib.sha256()
    for block in blocks(path, advance):
        digest.update(block)
        found.bytes += len(block)
        _look_at(splitter.feed(block), ids, found, take)
    found.torn = splitter.incomplete
    _look_at(splitter.feed(b"\n"), ids, found, take)
    found.sha256 = digest.hexdigest()
    return found


def identities(path: Path, ids: PostIds, advance: Callable[[int], object]) -> Iterator[str]:
    """Yield the ids in a file, without those of lines that are broken.  Raises OSError."""
    splitter, found = Splitter(), FileContents()
    for block in blocks(path, advance):
        some: list[str] = []
        _look_at(splitter.feed(block), ids, found, some.append)
        yield from some


def _look_at(
    messages: list[bytes | Overlong],
    ids: PostIds,
    found: FileContents,
    take: Callable[[str], object],
) -> None:
    for message in messages:
        if isinstance(message, bytes) and message.isspace():
            continue
        found.posts += 1
        try:
            identity = ids.find(message) if isinstance(message, bytes) else _too_long()
        except NotAnObject:
            found.broken += 1
            found.first_broken = found.first_broken or found.posts
        else:
            if identity is not None:
                take(identity)


def _too_long() -> str | None:
    raise NotAnObject
