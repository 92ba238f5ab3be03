"""
Writing at the end of a file: all or nothing, and to one that can still be found.
"""

import os
from collections.abc import Sequence
from pathlib import Path

_MOST_BLOCKS = 1024
"""That one writev() takes: IOV_MAX of Linux."""


def append(fd: int, blocks: Sequence[bytes]) -> None:
    """
    Write all blocks at the end of the file, or raise OSError and leave the file as it was: its time
    too, which says after a crash when the last byte came that is in it.
    """
    before = os.fstat(fd)
    if len(blocks) > _MOST_BLOCKS:
        blocks = [b"".join(blocks)]
    try:
        written = os.writev(fd, blocks)
        rest = memoryview(b"" if written == sum(map(len, blocks)) else b"".join(blocks)[written:])
        while rest:
            rest = rest[os.write(fd, rest) :]
    except OSError:
        os.ftruncate(fd, before.st_size)
        os.utime(fd, ns=(before.st_atime_ns, before.st_mtime_ns))
        raise


def leads_to(path: Path, fd: int) -> bool:
    """
    Whether `path` is still the open file: somebody may have removed or moved it, or its folder.
    Raises OSError where that cannot be known now.
    """
    try:
        return os.path.samestat(path.stat(), os.fstat(fd))
    except FileNotFoundError:
        return False
