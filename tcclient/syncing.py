"""
What has been written is made to survive a power cut: one file or folder after the other, aside.

Knows descriptors; not when anything is due.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from twisted.internet.defer import Deferred, DeferredLock, fail

from tcclient.aside import Aside


class Syncing:
    """A disk that does not answer is asked once: what else is to be synced waits for its turn."""

    def __init__(self, aside: Aside) -> None:
        self._aside = aside
        self._turn = DeferredLock()

    def file(self, fd: int) -> Deferred[None]:
        """
        Fires when what was written to the file before is safe; fails with OSError.  `fd` may be
        closed meanwhile.
        """
        try:
            copy = os.dup(fd)
        except OSError as e:
            return fail(e)

        def act() -> None:
            try:
                os.fdatasync(copy)
            finally:
                os.close(copy)

        return self._run(act)

    def folder(self, path: Path) -> Deferred[None]:
        """Fires when the names in it are safe, where the file system can do that."""
        return self._run(lambda: sync_folder(path))

    def _run(self, act: Callable[[], None]) -> Deferred[None]:
        return self._turn.run(self._aside, act)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the file system can do that."""
    with suppress(OSError):  # some shares cannot sync a folder, and all is done but this
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
