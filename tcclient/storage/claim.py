"""
That one process at a time runs as a client, below one base_dir.

Knows the file that is locked for it; does not know what a client does.
"""

import errno
import fcntl
import os
from pathlib import Path


class RunsTwice(OSError):
    """Raised where another process runs as the same client, below the same base_dir."""


class Claim:
    """
    Keeps the same client, started twice, from sharing its jobs with itself by chance, and from
    writing over its own budget.  Another client of the server may be below the same base_dir.
    """

    def __init__(self, base_dir: Path) -> None:
        self._base_dir = base_dir
        self._fd: int | None = None

    def take(self, key: str) -> None:
        """
        Have it until the process ends, as the client for which `key` stands.  Raises RunsTwice, and
        OSError where there can be no file; on a file system without locks nobody is kept away.
        """
        if self._fd is not None:
            return
        path = self._base_dir / f".tcc.client.{key}"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            if e.errno in (errno.EAGAIN, errno.EACCES):
                os.close(fd)
                raise RunsTwice(e.errno, "another process runs as this client") from e
        self._fd = fd
