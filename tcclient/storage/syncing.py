"""
How files and folders are synced to the disk, one after the other, to survive a power cut.

Knows descriptors; does not know when a sync is due.
"""

import os
from contextlib import suppress
from functools import partial
from pathlib import Path

from tcclient.runtime.appending import sync_folder
from tcclient.storage.lane import Lane

WARM = 8 << 20
"""
Bytes.  Between once and twice as many at the end of an open file stay in the page cache, for
whoever follows the file; what is before them is dropped from the cache, and all of it when the file
is finished.  Otherwise a capture displaces in the course of months what others keep there, and
takes new memory for each post, which costs a virtual machine up to eight times as much as reusing
what it has (up to 8 µs per post instead of 1).
"""


def cold(begin: int, size: int) -> tuple[int, int]:
    """
    Return offset and length of the bytes from `begin` on that nobody is expected to read soon, of
    an open file with so many.
    """
    return begin, max(0, (size // WARM - 1) * WARM - begin)


class Syncing(Lane):
    """One sync at a time, so that a disk that does not answer keeps only one thread waiting."""

    async def file(self, fd: int, cold: tuple[int, int] = (0, 0)) -> None:
        """
        Sync a file: what was written to it before is safe when this returns.  Raises OSError.  `fd`
        may be closed meanwhile.  `cold` is the offset and length of bytes that nobody will read
        soon: they are dropped from the page cache, which is free for what is written next.
        """
        copy = os.dup(fd)

        def act() -> None:
            try:
                os.fdatasync(copy)
                if cold[1]:
                    _forget(copy, cold)
            finally:
                os.close(copy)

        await self.run(act)

    async def folder(self, path: Path) -> None:
        """Sync a folder: the names in it are safe then, if the file system can do that."""
        await self.run(partial(sync_folder, path))


def _forget(fd: int, span: tuple[int, int]) -> None:
    with suppress(OSError):  # not every file system has pages that it could give back
        os.posix_fadvise(fd, *span, os.POSIX_FADV_DONTNEED)
