"""
`baddisk.py FILE ARGUMENTS`: twistd on a disk that refuses what FILE says, as long as there is FILE.

It has the name of an error: EROFS refuses all that changes anything; EIO what touches the bytes of
a file, to take back half a write too; ENOSPC what adds bytes: of these two it has taken the first
half of the write before; EXDEV a second name.  Nothing of the client
is changed but what it finds under these names of the module os.
"""

import errno
import os
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BYTES = ("write", "writev", "pwrite", "fsync", "fdatasync", "truncate", "ftruncate", "utime")
NAMES = ("open", "link", "unlink", "rename", "replace", "mkdir")
TEARING = ("EIO", "ENOSPC")
REFUSED = {"EIO": BYTES, "EROFS": (*BYTES, *NAMES), "ENOSPC": ("write",), "EXDEV": ("link",)}
CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
"""How a file is opened that a disk which can only be read does not open."""


class BadDisk:
    """Refuses while `order` exists, and what it says there."""

    def __init__(self, order: Path) -> None:
        self._order = order
        self._device = order.parent.stat().st_dev

    def refusing(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        """`act`, which os has under this name; raises OSError where that is refused."""

        def refused(where: Any, *arguments: Any, **more: Any) -> Any:
            if self._is_of_disk(where) and (name != "open" or arguments[0] & CHANGING):
                self._check(name)
            return act(where, *arguments, **more)

        return refused

    def tearing(
        self, writev: Callable[..., int], write: Callable[[int, bytes], int]
    ) -> Callable[..., int]:
        """os.writev() by which a disk that tears gets half of the first block."""

        def torn(fd: int, blocks: Sequence[bytes]) -> int:
            if self._is_of_disk(fd) and self._error() in TEARING:
                return write(fd, blocks[0][: len(blocks[0]) // 2])
            return writev(fd, blocks)

        return torn

    def _is_of_disk(self, where: Any) -> bool:
        """By the same names pipes are written to, and files that are in memory."""
        if not isinstance(where, int):
            return True
        status = os.fstat(where)
        return stat.S_ISREG(status.st_mode) and status.st_dev == self._device

    def _check(self, name: str) -> None:
        error = self._error()
        if name in REFUSED.get(error, ()):
            number = getattr(errno, error)
            raise OSError(number, os.strerror(number))

    def _error(self) -> str:
        try:
            return self._order.read_text()
        except FileNotFoundError:
            return ""


def main(arguments: Sequence[str]) -> None:
    disk = BadDisk(Path(arguments[1]))
    torn = disk.tearing(disk.refusing("writev", os.writev), os.write)
    for name in REFUSED["EROFS"]:
        setattr(os, name, disk.refusing(name, getattr(os, name)))
    os.writev = torn
    # Only now, so that a module which takes one of these by name takes ours.
    from twisted.scripts.twistd import run

    sys.argv = ["twistd", *arguments[2:]]
    run()


if __name__ == "__main__":
    main(sys.argv)
