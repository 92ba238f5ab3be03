"""
How much room a disk has, looked at now and then.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path

from twisted.internet.interfaces import IReactorTime

LOOK = 1.0
"""Seconds between two looks at a disk that has room for what is written meanwhile."""


def free_bytes(folder: Path) -> int:
    """What is left for who is not root on the disk of `folder`.  Raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


class Room:
    """Keeps `least` bytes free, for others and for the ledgers; with 0 it never looks."""

    def __init__(
        self, folder: Path, least: int, clock: IReactorTime, free: Callable[[Path], int]
    ) -> None:
        self._folder = folder
        self._least = least
        self._clock = clock
        self._free = free
        self._looked = -LOOK
        self._left = 0

    def check(self, size: int) -> None:
        """
        `size` bytes are to be written.  Raises OSError where there is too little room, or nobody
        can tell.
        """
        if not self._least:
            return
        now = self._clock.seconds()
        if not 0 <= now - self._looked < LOOK or self._left < self._least:
            self._left = self._free(self._folder)
            if self._left < self._least:
                raise OSError(
                    errno.ENOSPC, f"less than {self._least} bytes are free (output.min_free_bytes)"
                )
            self._looked = now
        self._left -= size
