"""
Lines of a file from its end, in blocks: what was appended last is found without reading it all.
"""

import io
import os
from collections.abc import Iterator

_BLOCK = 1 << 16


def lines_backwards(fd: int, *, whole_only: bool = True) -> Iterator[bytes]:
    """Lines of a file from the last to the first; a last one without newline only if asked for."""
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
