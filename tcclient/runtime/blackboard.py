"""
What a process writes into its memory for others to read, as a disk may take nothing.

Knows Linux's files that are in memory, and where /proc shows them to processes of the same user and
of root; elsewhere nothing is written, and nothing found.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from tcclient.runtime.needs import PROC


class Blackboard:
    """A text of this process, which others find by a `name`; there is none until it is written."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._fd: int | None = None

    def write(self, text: bytes) -> None:
        """Have this text in place of the one before; who reads meanwhile has one of the two."""
        if sys.platform != "linux":
            return
        with suppress(OSError):  # a system may forbid it, and files be too many
            fd = os.memfd_create(self._name, os.MFD_CLOEXEC)
            try:
                os.write(fd, text)
                if self._fd is None:
                    self._fd, fd = fd, -1
                else:
                    os.dup2(fd, self._fd, inheritable=False)
            finally:
                if fd >= 0:
                    os.close(fd)

    def close(self) -> None:
        """Have no text any more."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)


def read_blackboard(process: int, name: str) -> bytes | None:
    """
    Return the text of a process under a name; None if it has none, or this process may not look at
    it.
    """
    with suppress(OSError):
        for link in (PROC / str(process) / "fd").iterdir():
            with suppress(OSError):  # it is closed meanwhile
                if str(link.readlink()) == f"/memfd:{name} (deleted)":
                    return Path(link).read_bytes()
    return None


def may_have_blackboard(process: int, name: str) -> bool:
    """Return whether a process has a text under a name, or this one may not look at it."""
    descriptors = PROC / str(process) / "fd"
    if descriptors.exists() and not os.access(descriptors, os.R_OK | os.X_OK):
        return True
    return read_blackboard(process, name) is not None
