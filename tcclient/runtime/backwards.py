"""
Reads the lines of a file from its end, so that the newest are found without reading all of it.
"""

import io
import os
from collections.abc import Iterator

_BLOCK = 1 << 16
"""Bytes that are read at once."""


def lines_backwards(fd: int, *, whole_only: bool = True) -> Iterator[bytes]:
    """Yield the lines, the last first; an unfinished last one unless `whole_only` is true."""
    position = os.fstat(fd).st_size
    held = b""
    at_end = True
    while position > 0:
        step = min(_BLOCK, position)
        position -= step
        lines = io.BytesIO(os.pread(fd, step, position) + held).readlines()
        held = lines.pop(0) if position > 0 else b""
        for line in reversed(lines):
            if line.endswith(b"\n") or not (at_end and whole_only):
                yield line
            at_end = False
