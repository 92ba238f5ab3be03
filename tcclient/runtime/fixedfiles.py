"""
Reads a file of a fixed name, whatever somebody has put in its place.

Knows that a FIFO has no end and makes who opens it wait; does not know what is in a file.
"""

import errno
import os
import stat
from pathlib import Path


def read_file(path: Path, most: int) -> bytes:
    """
    Return what is in a file, no more than `most` bytes.  Never waits for another process.  Raises
    OSError, also where there is a FIFO, a device or a folder.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        content = b""
        while len(content) < most and (block := os.read(fd, most - len(content))):
            content += block
        return content
    finally:
        os.close(fd)
