"""
Writing at the end of a file: all or nothing, and to one that can still be found.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

_MOST_BLOCKS = 1024
"""That one writev() takes: IOV_MAX of Linux."""


class End:
    """
    The end of an open file, to which nobody else writes.  `truncate` is the system's.
    """

    def __init__(self, fd: int, truncate: Callable[[int, int], None] = os.ftruncate) -> None:
        self._fd = fd
        self._truncate = truncate
        self._before: os.stat_result | None = None  # what has not been taken back

    def append(self, blocks: Sequence[bytes]) -> None:
        """
        Write all blocks, or raise OSError and leave the file as it was: its time too, which says
        after a crash when the last byte came that is in it.  A disk that takes a part and does not
        let us take that back has it cut off before the next blocks.
        """
        self.take_back()
        before = os.fstat(self._fd)
        try:
            _write(self._fd, blocks)
        except OSError:
            self._before = before
            with suppress(OSError):  # it has refused already, and will be asked again
                self.take_back()
            raise

    def take_back(self) -> None:
        """Cut off what is left of blocks that were refused.  Raises OSError."""
        if self._before is not None:
            self._truncate(self._fd, self._before.st_size)
            os.utime(self._fd, ns=(self._before.st_atime_ns, self._before.st_mtime_ns))
            self._before = None


def _write(fd: int, blocks: Sequence[bytes]) -> None:
    if len(blocks) > _MOST_BLOCKS:
        blocks = [b"".join(blocks)]
    written = os.writev(fd, blocks)
    rest = memoryview(b"" if written == sum(map(len, blocks)) else b"".join(blocks)[written:])
    while rest:
        rest = rest[os.write(fd, rest) :]


def leads_to(path: Path, fd: int) -> bool:
    """
    Whether `path` is still the open file: somebody may have removed or moved it, or its folder.
    Raises OSError where that cannot be known now.
    """
    try:
        return os.path.samestat(path.stat(), os.fstat(fd))
    except FileNotFoundError:
        return False
