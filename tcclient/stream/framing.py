"""
Cuts the bytes of a stream into messages, and shortens a message for the ledger to quote.

Knows the framing, which is a message a line; does not know what a message means.
"""

import json
import math
import re

from msgspec import Struct

from tcclient.stream.fastpath.chunks import Pieces

MAX_MESSAGE = 1 << 20
"""Bytes of the longest message that is stored.  Posts above 16 KiB exist, none near 1 MiB."""

EXCERPT = 200
"""Bytes of a refused line that the ledger quotes."""

MOST_LEVELS = 100
"""Most levels of nesting that the ledger quotes: Python may decode more and fail to encode them."""

MOST_TOGETHER = MAX_MESSAGE // 32
"""Most objects that are found in one line: no post of that many would fit into the longest one."""

_CR = 0x0D
"""A carriage return."""


_BLANK_LINES = re.compile(rb"\n(?:\r?\n)*")
"""A line end and the blank lines behind it."""


class Overlong(Struct, frozen=True):
    """A message that was longer than MAX_MESSAGE: its length in bytes and how it began."""

    size: int
    head: bytes


class Splitter:
    """
    Cuts a stream into messages at each newline.

    Holds at most MAX_MESSAGE bytes of an incomplete message, however long it grows.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._size = 0
        self._overlong_head = b""

    @property
    def incomplete(self) -> int:
        """Bytes that have come of a message that has not ended."""
        return self._size

    def feed_all(self, pieces: Pieces) -> list[bytes | Overlong]:
        """Return what feed() of each piece would.  A piece that is one message costs least."""
        messages: list[bytes | Overlong] = []
        read, is_between = pieces.read, not self._size
        for begin, end in pieces.spans:
            last = end - 1
            if (
                read.find(b"\n", begin, end) == last
                and is_between
                and read[last - 1] == _CR
                and begin + 1 < last <= begin + MAX_MESSAGE
            ):
                messages.append(read[begin : last - 1])
            else:
                messages += self.feed(read[begin:end])
                is_between = not self._size
        return messages

    def feed(self, data: bytes) -> list[bytes | Overlong]:
        """
        Return the messages that `data` completes, in order, without their line ends.

        Blank lines (keep-alives) are no messages.  A carriage return before the newline belongs to
        the line end, which is how Twitter sends it.
        """
        messages: list[bytes | Overlong] = []
        begin, end = 0, data.find(b"\n")
        if self._size and end >= 0:
            self._hold(data[:end])
            first = self._release()
            if first:
                messages.append(first)
            begin, end = end + 1, data.find(b"\n", end + 1)
        while end >= 0:
            stop = end - 1 if data[end - 1] == _CR and end > begin else end
            if stop - begin > MAX_MESSAGE:
                messages.append(Overlong(stop - begin, data[begin : begin + EXCERPT]))
            elif stop > begin:
                messages.append(data[begin:stop])
            elif blank := _BLANK_LINES.match(data, end):
                end = blank.end() - 1
            begin, end = end + 1, data.find(b"\n", end + 1)
        if begin < len(data):
            self._hold(data[begin:])
        return messages

    def _hold(self, piece: bytes) -> None:
        """Keep a part of a message that has not ended; of an overlong one only its beginning."""
        self._size += len(piece)
        self._held += piece
        if self._size > MAX_MESSAGE + 1:  # one more for the carriage return
            self._overlong_head = self._overlong_head or bytes(self._held[:EXCERPT])
            # The last byte is needed to see whether the message ends with a carriage return.
            del self._held[:-1]

    def _release(self) -> bytes | Overlong:
        """Return the message whose parts were kept, as it has ended, and keep nothing."""
        held, size, head = self._held, self._size, self._overlong_head
        self._held, self._size, self._overlong_head = bytearray(), 0, b""
        if held.endswith(b"\r"):
            del held[-1]
            size -= 1
        if size > MAX_MESSAGE:
            return Overlong(size, head or bytes(held[:EXCERPT]))
        return bytes(held)


def apart(line: bytes) -> list[bytes]:
    """
    Return the objects that have run together in a line which is no JSON, as they came.  Return none
    unless they are all that is in it, with nothing between them, and not more than MOST_TOGETHER.
    """
    parts: list[bytes] = []
    begin = 0
    try:
        text = line.decode("utf-8") if b"}{" in line else ""
        while begin < len(text):
            value, end = _decoder.raw_decode(text, begin)
            if not isinstance(value, dict) or len(parts) == MOST_TOGETHER:
                return []
            parts.append(text[begin:end].encode("utf-8"))
            begin = end
    except (ValueError, RecursionError):
        return []
    return parts


def decoded(line: bytes) -> object:
    """
    Return the content of a message that is JSON.  Return its excerpt if Python cannot decode it and
    encode it again (an integer of 5,000 digits, 1e999, a thousand levels of nesting).
    """
    try:
        value = json.loads(
            line.decode("utf-8"), parse_constant=refuse_constant, parse_float=_finite
        )
    except (ValueError, RecursionError):
        return excerpt(line)
    return value if _levels(value) <= MOST_LEVELS else excerpt(line)


def excerpt(line: bytes) -> str:
    """Return how a line begins, in at most EXCERPT bytes, for the ledger."""
    return line[:EXCERPT].decode("utf-8", "backslashreplace")


def refuse_constant(name: str) -> object:
    """Raise ValueError for NaN and Infinity, which json.loads() takes and JSON does not have."""
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=refuse_constant)
"""Takes numbers of any length, as nobody asks for them."""


def _finite(number: str) -> float:
    """Return a number.  Raises ValueError if it is too large for a float."""
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number} is beyond what a float can hold")
    return value


def _levels(value: object) -> int:
    """Return how deep `value` is nested."""
    levels, here = 0, [value]
    while here:
        levels += 1
        here = [
            child
            for parent in here
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return levels
