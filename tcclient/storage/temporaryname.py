"""
How a file gets its temporary name, and what becomes of its posts when somebody takes it away, or
puts another one in its place.

Knows names on the disk, and who is told; does not know when a file is begun or finished.
"""

import os
from collections import deque
from collections.abc import Hashable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path

from msgspec import Struct

from tcclient.runtime.backwards import lines_backwards
from tcclient.storage.bookkeeper import Bookkeeper
from tcclient.storage.diskuse import Place
from tcclient.storage.growing import GrowingFile
from tcclient.storage.lane import Lane
from tcclient.storage.postids import PostIds, id_or_none
from tcclient.storage.recovery import left_behind
from tcclient.storage.slots import Slot
from tcclient.storage.waiting import Waiting

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
    one of them cannot be read.  Only reads, so that it may run in a thread.
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


MOST_AVOIDED = 1000
"""Names that are remembered because no further file is to have them."""


class LetGo(Struct, frozen=True):
    """How a file was when it was closed, and whether there is another one under its name."""

    status: os.stat_result
    is_taken: bool


class TemporaryNames:
    """
    The temporary names of one capture's files.  `owner` hears what others do to them, once;
    `waiting` gets posts that have to be written again.
    """

    def __init__(self, place: Place, owner: Bookkeeper, waiting: Waiting) -> None:
        self._place = place
        self._owner = owner
        self._waiting = waiting
        self._avoided = deque(owner.names_told(), MOST_AVOIDED)
        self._folder = place.folder.stat() if place.folder.exists() else None
        self._from_before = {path.name for path in left_behind(place.folder, place.naming)}

    async def begin(self, slot: Slot, lane: Lane) -> GrowingFile:
        """
        Make a file under the first name that is free, and that none has had which was lost: what
        is found under that name is known as the lost file's.  To be called within a turn of the
        lane.  Raises OSError.
        """
        taken: list[tuple[str, int | None]] = []
        try:
            file = await lane.do(partial(self._make, slot, taken))
            file.beside = self._owner.ledger.id
            return file
        finally:
            for name, inode in taken:
                self._owner.name_taken(name, inode)

    def _make(self, slot: Slot, taken: list[tuple[str, int | None]]) -> GrowingFile:
        """Make the file; add to `taken` the names that others have, with the inodes of theirs."""
        naming, folder = self._place.naming, self._place.folder
        first = naming.final(slot)
        for final in naming.alternatives(first):
            name = naming.temporary(final)
            if name in self._avoided or (final != first and os.path.lexists(folder / final)):
                continue
            try:
                return GrowingFile(folder / name, slot, self._place.use.ids)
            except FileExistsError:
                self._avoided.append(name)
                taken.append((name, self._inode_of_stranger(folder / name)))
        raise AssertionError("alternatives() has no end")

    def _inode_of_stranger(self, path: Path) -> int | None:
        """
        Return the inode of a file that is certainly not ours; None where that is not certain, as in
        a folder that was put there meanwhile.
        """
        with suppress(OSError):  # it may be gone again
            before = self._folder
            is_here = before is None or os.path.samestat(path.parent.stat(), before)
            if is_here and path.name not in self._from_before:
                return path.lstat().st_ino
        return None

    async def lacking(self, file: GrowingFile) -> list[bytes]:
        """Return the last posts of a file that is not ours any more, if they are nowhere else."""
        use, posts = self._place.use, file.written.posts

        def look() -> list[bytes]:
            if file.on_disk.status().st_nlink:
                return []
            return lacking(file.on_disk.fd, file.path, use.ids, posts)

        return await use.threads(look)

    async def close(self, file: GrowingFile, lane: Lane) -> LetGo:
        """Close a file that is not ours any more.  Return what is known of it then."""

        def act() -> LetGo:
            status = file.on_disk.status()
            file.on_disk.close()
            return LetGo(status, os.path.lexists(file.path))

        return await lane.run(act)

    def let_go(self, file: GrowingFile, again: list[bytes], gone: LetGo) -> None:
        """
        Let go of a file that is not ours any more.  Its last posts, `again`, wait to be written
        again, and are not counted any more.
        """
        self._owner.stored(-len(again))
        if again:
            self._waiting.put_first(file.written.again(file.slot, again))
        rest = file.written.posts - len(again)
        if rest:
            self._owner.lost(rest, file.path, gone.status, file.disturbance, file.beside)
        elif gone.is_taken:
            self._owner.name_taken(file.path.name)
        self._avoided.append(file.path.name)
