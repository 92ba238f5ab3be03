"""How what Twitter says is handed on: at once, or in awkward pieces.  Pure."""

import math
import re
from collections.abc import Callable

import attrs

Cutter = Callable[[bytes], list[bytes]]


def whole(data: bytes) -> list[bytes]:
    """As it came."""
    return [data]


def each_byte(data: bytes) -> list[bytes]:
    """A piece for each byte."""
    return [data[at : at + 1] for at in range(len(data))]


def within_crlf(data: bytes) -> list[bytes]:
    """Pieces that end after each CR."""
    return re.findall(rb"[^\r]*\r|[^\r]+", data)


@attrs.frozen
class Pace:
    """
    How what Twitter says is handed on: the first `most` pieces one at a time, with `pause` seconds
    after each, and what follows as it comes.
    """

    cut: Cutter = whole
    pause: float = 0.0
    most: float = 0


AT_ONCE = Pace()
BYTES = Pace(each_byte, most=math.inf)
BROKEN_LINES = Pace(within_crlf, most=math.inf)
