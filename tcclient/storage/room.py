"""
Whether `min_free_bytes` are still free on a disk.  Does not know who writes, nor what follows.
"""

import errno
from collections.abc import Callable
from pathlib import Path
from shutil import disk_usage

from twisted.internet.interfaces import IReactorTime

LOOK = 1.0
"""Seconds between two looks at a disk that has room for what is written in between."""


def free_bytes(folder: Path) -> int:
    """Return the free bytes on the disk of `folder` for users other than root.  Raises OSError."""
    return disk_usage(folder).free


def all_bytes(folder: Path) -> int:
    """Return how many bytes the disk of `folder` has, free or not.  Raises OSError."""
    return disk_usage(folder).total


class Room:
    """
    Keeps `least` bytes of a disk free, for others and for the ledgers; with 0 it never looks.
    `free` returns how many are free on the disk of a folder.
    """

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
        Take `size` bytes as written next.  Raises OSError if there is too little room for them, or
        the system cannot tell.
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
