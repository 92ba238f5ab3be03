"""
`slowdisk.py MB ARGUMENTS`: twistd on a disk that takes MB megabytes a second.

What a slow disk does to a program is put in front of it: writing goes to the page cache, as ever,
and whoever calls fsync waits for what was written to the file since the last time.  The disk takes
one at a time, so files delay one another, whichever thread asks.  Nothing of the client is changed
but what it finds under os.write, os.writev, os.fsync and os.fdatasync.
"""

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any

MEGA = 1e6


def file_of(fd: int) -> tuple[int, int]:
    """What is the same for all descriptors of a file."""
    status = os.fstat(fd)
    return status.st_dev, status.st_ino


class SlowDisk:
    """
    Counts what is written to each file, and makes who syncs it wait.  `rate` is in bytes a second,
    `identify` tells files apart by their descriptors.
    """

    def __init__(
        self,
        rate: float,
        sleep: Callable[[float], None] = time.sleep,
        identify: Callable[[int], Hashable] = file_of,
    ) -> None:
        self._rate = rate
        self._sleep = sleep
        self._identify = identify
        self._dirty: Counter[Hashable] = Counter()
        self._busy = threading.Lock()

    def writing(self, write: Callable[..., int]) -> Callable[..., int]:
        """`write`, which returns how many bytes it has written to its first argument."""

        def counted(fd: int, *arguments: Any) -> int:
            written = write(fd, *arguments)
            self._dirty[self._identify(fd)] += written
            return written

        return counted

    def syncing(self, sync: Callable[[int], None]) -> Callable[[int], None]:
        """`sync`, after the time that the disk takes."""

        def delayed(fd: int) -> None:
            with self._busy:
                self._sleep(self._dirty.pop(self._identify(fd), 0) / self._rate)
                sync(fd)

        return delayed


def main(arguments: Sequence[str]) -> None:
    disk = SlowDisk(float(arguments[1]) * MEGA)
    os.write, os.writev = disk.writing(os.write), disk.writing(os.writev)
    os.fsync, os.fdatasync = disk.syncing(os.fsync), disk.syncing(os.fdatasync)
    # Only now, so that a module which takes one of these by name takes ours.
    from twisted.scripts.twistd import run

    sys.argv = ["twistd", *arguments[2:]]
    run()


if __name__ == "__main__":
    main(sys.argv)
