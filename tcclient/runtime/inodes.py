"""
Whether the number of a file's inode tells that it is the file that it was, after a mount too.

Knows from Linux which file system a path is on; where that is not known, nothing is told.
"""

import os
import re
from functools import cache
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")

_KEEPING = {"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "nfs", "nfs4", "xfs", "zfs"}
"""File systems with inodes that are on the disk, unlike those of vfat, FUSE and network shares."""


def lasting_inode(path: Path, fd: int) -> int | None:
    """
    Return the number of the inode of an open file at `path`, where a file keeps it for life; None
    where it does not, or nobody knows.  Raises OSError.
    """
    status = os.fstat(fd)
    return status.st_ino if _keeps_inodes(path.parent, status.st_dev) else None


@cache
def _keeps_inodes(folder: Path, _device: int) -> bool:
    """Return whether files in a folder keep their inodes; `_device` tells mounts apart."""
    try:
        mounts = _MOUNTS.read_text(errors="surrogateescape")
        return file_system(str(folder.resolve()), mounts) in _KEEPING
    except OSError:
        return False


def file_system(path: str, mounts: str) -> str:
    """Return the type of the file system of a path, by Linux's table of mounts; empty for none."""
    found, longest = "", -1
    for line in mounts.splitlines():
        place, _, rest = line.partition(" - ")
        point = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), place.split()[4])
        if len(point) >= longest and f"{path}/".startswith(f"{point.rstrip('/')}/"):
            found, longest = rest.split()[0], len(point)
    return found
