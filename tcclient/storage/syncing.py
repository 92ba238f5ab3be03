"""
How files and folders are synced to the disk, one after the other, to survive a power cut.

Knows descriptors and threads; does not know when a sync is due.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from twisted.internet.defer import Deferred, DeferredLock, fail
from twisted.internet.interfaces import IReactorTime

from tcclient.runtime.appending import sync_folder
from tcclient.runtime.threads import Threads

PATIENCE = 10.0
"""Seconds that a sync may take before the disk counts as slow."""


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


class Syncing:
    """
    Does one sync at a time, so that a disk that does not answer keeps only one thread waiting.
    `is_slow` says whether the present sync has taken longer than PATIENCE; `changed` is called
    whenever that changes.
    """

    def __init__(
        self, threads: Threads, clock: IReactorTime, changed: Callable[[], object]
    ) -> None:
        self._threads = threads
        self._clock = clock
        self._changed = changed
        self._turn = DeferredLock()
        self.is_slow = False

    def file(self, fd: int, cold: tuple[int, int] = (0, 0)) -> Deferred[None]:
        """
        Sync a file.  Fires when what was written to it before is safe; fails with OSError.  `fd`
        may be closed meanwhile.  `cold` is the offset and length of bytes that nobody will read
        soon: they are dropped from the page cache, which is free for what is written next.
        """
        try:
            copy = os.dup(fd)
        except OSError as e:
            return fail(e)

        def act() -> None:
            try:
                os.fdatasync(copy)
                if cold[1]:
                    _forget(copy, cold)
            finally:
                os.close(copy)

        return self._in_turn(act)

    def folder(self, path: Path) -> Deferred[None]:
        """Sync a folder.  Fires when the names in it are safe, if the file system can do that."""
        return self._in_turn(lambda: sync_folder(path))

    def _in_turn(self, act: Callable[[], None]) -> Deferred[None]:
        return self._turn.run(lambda: Deferred.fromCoroutine(self._do(act)))

    async def _do(self, act: Callable[[], None]) -> None:
        patience = self._clock.callLater(PATIENCE, self._tell, True)
        try:
            await self._threads(act)
        finally:
            if patience.active():
                patience.cancel()
            else:
                self._tell(False)

    def _tell(self, is_slow: bool) -> None:
        self.is_slow = is_slow
        self._changed()


def _forget(fd: int, span: tuple[int, int]) -> None:
    with suppress(OSError):  # not every file system has pages that it could give back
        os.posix_fadvise(fd, *span, os.POSIX_FADV_DONTNEED)
