"""
A data file that is open: what is done with it on the disk, and what others have done with it.

Knows descriptors and times of files; does not know what is written, nor when.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tcclient.runtime.appending import End

DOUBTFUL = 1_000_000_000
"""
Access time, in nanoseconds since 1970, of a file whose modification time may say too much after a
crash.
"""


class OpenFile:
    """
    A file that is new.  Each method may take as long as the disk does, and may be called in a
    thread, one at a time; each raises OSError, as does making it where there is one at `path`.
    """

    def __init__(self, path: Path) -> None:
        self.fd = os.open(
            path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666
        )
        self._path = path
        self._end = End(self.fd)
        self._read_until = 0.0  # which says nothing

    def disturbance(self, size: int) -> str:
        """
        Return what somebody else has done to the file, which has been given `size` bytes, a clause;
        empty where nobody has.
        """
        if self.fd < 0:
            return f"{self._path.name} was closed"
        status = os.fstat(self.fd)
        try:
            if not os.path.samestat(self._path.lstat(), status):
                return f"{self._path.name} was replaced while it was written"
        except FileNotFoundError:
            return f"{self._path.name} was removed while it was written"
        if status.st_size == size or self._end.has_part:
            return ""
        how = "cut" if status.st_size < size else "added to"
        return f"{self._path.name} was {how} while it was written"

    def put(self, blocks: Sequence[bytes], read_until: float) -> None:
        """
        Append blocks, or leave the file as it was; what cannot be cut off again now is before the
        next ones.  The time of the file is not later than `read_until` (epoch seconds), not even
        while this runs.
        """
        os.utime(self.fd, ns=(DOUBTFUL, DOUBTFUL))
        try:
            self._end.append(blocks)
            self._read_until = read_until
        finally:
            with suppress(OSError):  # the time is doubtful then, which is safe
                os.utime(self.fd, (self._read_until, self._read_until))

    def take_back(self) -> None:
        """Cut off what of refused blocks is in the file, if anything."""
        self._end.take_back()

    def status(self) -> os.stat_result:
        """Return the file's status, under whatever name it is."""
        return os.fstat(self.fd)

    def close(self) -> None:
        """Close the descriptor."""
        fd, self.fd = self.fd, -1
        os.close(fd)
