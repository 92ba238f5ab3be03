"""
What has been written is made to survive a power cut: one file or folder after the other, aside.

Knows descriptors; not when anything is due.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from twisted.internet.defer import Deferred, DeferredLock, fail
from twisted.internet.interfaces import IReactorTime

from tcclient.runtime.threads import Threads

PATIENCE = 10.0
"""Seconds that a sync may take before somebody is told."""


class Syncing:
    """
    A disk that does not answer is asked once: what else is to be synced waits for its turn.
    `changed` is called when `is_slow` has: whether a sync has taken longer than PATIENCE so far.
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
        Fires when what was written to the file before is safe; fails with OSError.  `fd` may be
        closed meanwhile.  Of `cold`, an offset and a length, nobody will read anything soon: its
        memory is free for what is written next.
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
        """Fires when the names in it are safe, where the file system can do that."""
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


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the file system can do that."""
    with suppress(OSError):  # some shares cannot sync a folder, and all is done but this
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
