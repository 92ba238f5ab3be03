"""
What is sent as a body: recorded in memory beforehand, or made while it is sent.

Knows bytes and how many posts are in them; nothing of sockets.
"""

import itertools
import mmap
import os
from array import array
from collections.abc import Iterable, Iterator
from typing import Protocol

import attrs

from benchmarks.framing import LAST_CHUNK, Gzip, Piece, Plain, by_size, by_tweet, chunk

BATCH = 1 << 20


@attrs.frozen
class Framing:
    """`chunks` of one `tweet` each, or of `64k`."""

    chunks: str
    gzip: bool

    def coding(self) -> Plain | Gzip:
        return Gzip() if self.gzip else Plain()

    def pieces(self, posts: Iterable[bytes], coding: Plain | Gzip) -> Iterator[Piece]:
        return by_tweet(posts, coding) if self.chunks == "tweet" else by_size(posts, coding)


class Body(Protocol):
    """`rest` is what ends it once all pieces have been sent."""

    @property
    def rest(self) -> bytes: ...

    def pieces(self) -> Iterator[tuple[bytes | memoryview, int]]:
        """What is sent at once, and how many posts are complete then."""


class Live:
    """Made while it is sent, for runs that are longer than memory; sent at a rate only."""

    def __init__(self, posts: Iterable[bytes], framing: Framing) -> None:
        self._posts = posts
        self._framing = framing
        self._coding = framing.coding()

    @property
    def rest(self) -> bytes:
        return _end(self._coding)

    def pieces(self) -> Iterator[tuple[bytes | memoryview, int]]:
        """As Body; once."""
        contents, numbers = itertools.tee(self._framing.pieces(self._posts, self._coding))
        complete = itertools.accumulate(number for _, number in numbers)
        return zip((content for content, _ in contents), complete, strict=True)


class Recording:
    """In a file without a name, whose descriptor is `fd`: sending it costs next to nothing."""

    def __init__(self, posts: Iterable[bytes], framing: Framing) -> None:
        coding = framing.coding()
        self.fd = os.memfd_create("recording")
        self._ends, self._complete = array("Q"), array("L")
        with open(self.fd, "wb", buffering=BATCH, closefd=False) as file:
            size = complete = 0
            for content, number in framing.pieces(posts, coding):
                file.write(content)
                size += len(content)
                complete += number
                self._ends.append(size)
                self._complete.append(complete)
        self.size = size
        # Nothing can be mapped of a file without bytes.
        mapped = mmap.mmap(self.fd, size, prot=mmap.PROT_READ) if size else b""
        self.content = memoryview(mapped)
        self.rest = _end(coding)

    def pieces(self) -> Iterator[tuple[bytes | memoryview, int]]:
        """As Body."""
        start = 0
        for end, complete in zip(self._ends, self._complete, strict=True):
            yield self.content[start:end], complete
            start = end


def _end(coding: Plain | Gzip) -> bytes:
    rest = coding.end()
    return (chunk(rest) if rest else b"") + LAST_CHUNK
