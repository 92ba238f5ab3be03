"""
Locks of files that one client has for itself, which the system releases when its process dies.

Knows how such a lock is taken and found; does not know what is in the files.
"""

import errno
import fcntl
import os
from pathlib import Path


class LedgerInUse(OSError):
    """Raised where another process has the ledger open: it captures into the same folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EAGAIN, "another client writes there", str(path))


def is_in_use(path: Path) -> bool:
    """
    Return whether a client has the ledger locked; False on a file system without locks.  To find
    out, a lock that others may share is taken, and let go of at once.  Raises OSError.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO makes nobody wait
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as e:
        return e.errno in (errno.EAGAIN, errno.EACCES)
    finally:
        os.close(fd)
    return False


def lock(fd: int, path: Path) -> None:
    """Lock an open file.  Raises LedgerInUse if somebody else has."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        if e.errno in (errno.EAGAIN, errno.EACCES):
            raise LedgerInUse(path) from e
        raise
