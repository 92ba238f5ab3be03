"""
Reads the lines of a file from its end, so that the newest are found without reading all of it.
"""

import os
from collections.abc import Iterator

_BLOCK = 1 << 16
"""Bytes that are read at once."""

MOST_BYTES = 1 << 24
"""Bytes of the longest line that is held in memory; of a longer one only its newline is."""


def lines_backwards(fd: int, *words: bytes) -> Iterator[bytes]:
    """
    Yield the lines with their newlines, the last first, without an unfinished last one; where there
    are `words`, only those that have one of them.
    """
    for text in texts_backwards(fd):
        if not words or any(word in text for word in words):
            lines = (one + b"\n" for one in reversed(text.removesuffix(b"\n").split(b"\n")))
            for line in lines:
                if not words or any(word in line for word in words):
                    yield line


def texts_backwards(fd: int) -> Iterator[bytes]:
    """Yield the lines as lines_backwards() does, but as texts of one or several whole lines."""
    line = _Line()
    for block in _blocks_backwards(fd):
        first, last = block.find(b"\n"), block.rfind(b"\n")
        line.put_before(block[last + 1 :])
        if last < 0:
            continue
        if line.is_whole:
            yield line.text()
        if first < last:
            yield block[first + 1 : last + 1]  # the lines that this block has all of
        line = _Line(is_whole=True)
        line.put_before(block[:first])
    if line.is_whole:
        yield line.text()


def unfinished(fd: int) -> int:
    """Return how many bytes stand behind the last newline of a file."""
    size = 0
    for block in _blocks_backwards(fd):
        end = block.rfind(b"\n")
        if end >= 0:
            return size + len(block) - end - 1
        size += len(block)
    return size


def ends_whole(fd: int) -> bool:
    """Return whether a file ends with a newline, or is empty."""
    size = os.fstat(fd).st_size
    return size == 0 or os.pread(fd, 1, size - 1) == b"\n"


def _blocks_backwards(fd: int) -> Iterator[bytes]:
    position = os.fstat(fd).st_size
    while position > 0:
        step = min(_BLOCK, position)
        position -= step
        yield os.pread(fd, step, position)


class _Line:
    """A line of which more and more is known, from its end; `is_whole` if that is a newline."""

    def __init__(self, *, is_whole: bool = False) -> None:
        self.is_whole = is_whole
        self._pieces: list[bytes] = []  # the last one first
        self._bytes = 0

    def put_before(self, piece: bytes) -> None:
        """Add what stands before the pieces that are known."""
        self._bytes += len(piece)
        if self._bytes > MOST_BYTES:
            self._pieces.clear()
        else:
            self._pieces.append(piece)

    def text(self) -> bytes:
        """Return the line; only its newline if it is too long."""
        if self._bytes > MOST_BYTES:
            return b"\n"
        return b"".join(reversed(self._pieces)) + b"\n"
