"""
Decodes the chunks of an answer, all those of a read at once.

Twitter sends each post as a chunk of its own (Transfer-Encoding: chunked), and Twisted's decoder
spends more on each chunk than all that is done to the post.  So the body that one read brings is
handed on as pieces, which go past that decoder, or as one chunk.  The code relies only on the fact
that a body may be cut into chunks anywhere (RFC 9112, 7.1).  What it does not understand goes on
byte for byte: another status, another coding, chunk extensions, whatever is malformed, the last
chunk and its trailers.  So Twisted judges these, and tells an answer that ended from one that was
cut, as it would by itself.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

MOST_HEAD = 1 << 16
"""Bytes of the longest head of an answer that is looked through."""

_head_end = re.compile(rb"\n\r?\n").search
"""Finds the end of the head as Twisted does: the carriage returns are optional."""
_is_ok = re.compile(rb"HTTP/1\.1 200[ \r]").match
_codings = re.compile(rb"transfer-encoding", re.IGNORECASE).findall
_is_chunked = re.compile(rb"\ntransfer-encoding:[ \t]*chunked[ \t]*\r?\n", re.IGNORECASE).search

_between = re.compile(rb"\r\n([0-9A-Fa-f]{1,8})\r\n").match
"""Matches what is between two chunks, and the size of the second one in it."""
_may_be_between = re.compile(rb"(?:\r(?:\n(?:[0-9A-Fa-f]{1,8}\r?)?)?)?\Z").match
"""Matches the beginning of what is between two chunks."""
_LINE_END = b"\r\n"

_WAY = 8
"""
Bytes behind a chunk by which a dict finds where the next one begins and how long it is; that costs
a fifth of reading its size.  A size of up to four digits and its line ends fit; with fewer digits
there is also how the content begins, which is the same for all posts.
"""
_MOST_WAYS = 1 << 13
"""Most entries of that dict; a full one is emptied."""


class Pieces(Struct, frozen=True):
    """
    The pieces of a body in one `read`; `spans` has where each begins, and where it ends.  `is_all`
    is whether the read has left nothing unread, neither here nor with the other side.
    """

    read: bytes
    spans: list[tuple[int, int]]
    is_all: bool = False

    def __iter__(self) -> Iterator[bytes]:
        return (self.read[begin:end] for begin, end in self.spans)


class Unchunker:
    """
    Takes one answer, read by read, and finds the pieces of its body.  `has_begun` is whether there
    has been one.
    """

    def __init__(self) -> None:
        self._take = self._take_head
        self._head = bytearray()
        self._before: list[bytes] = []
        self._read = b""
        self._spans: list[tuple[int, int]] = []
        self._after = b""
        self.has_begun = False
        self._left = 0  # bytes of a chunk that are still to come
        self._held = b""  # the beginning of what is between two chunks
        # _WAY bytes behind a chunk -> how far from there the next one is, and how long
        self._ways: dict[bytes, tuple[int, int]] = {}

    def take(self, data: bytes) -> tuple[bytes, Pieces | None, bytes]:
        """
        Return what a read consists of: bytes before the body, pieces of the body, and bytes behind
        it.  Each piece is of one chunk, and none is empty; None where there is no piece.  Nothing
        is kept for the next read but the beginning of a chunk's size.
        """
        self._take(data)
        before, read, spans, after = b"".join(self._before), self._read, self._spans, self._after
        self._before, self._read, self._spans, self._after = [], b"", [], b""
        if not spans:
            return before, None, after
        self.has_begun = True
        return before, Pieces(read, spans), after

    def _take_head(self, data: bytes) -> None:
        """Pass on the head of the answer, and decide by it what is done with the rest."""
        seen = max(0, len(self._head) - 2)
        self._head += data
        end = _head_end(self._head, seen)
        if end is None:
            if len(self._head) > MOST_HEAD:
                self._head.clear()
                self._take = self._take_rest
            self._before.append(data)
            return
        body = len(self._head) - end.end()
        head = bytes(self._head[: end.end()])
        self._head.clear()
        self._before.append(data[: len(data) - body])
        rest = data[len(data) - body :]
        if _is_ok(head) and _is_chunked(head) and len(_codings(head)) == 1:
            # With a line end in front, the first chunk begins like every other.
            self._take = self._take_chunks
            self._take_chunks(_LINE_END + rest)
        else:
            self._take = self._take_rest
            self._take_rest(rest)

    def _take_chunks(self, data: bytes) -> None:
        """Find the chunks of a read, up to the first bytes that are not understood."""
        if self._held:
            data, self._held = self._held + data, b""
        self._read, spans, ways = data, self._spans, self._ways
        position, size = self._left, len(data)
        if position and size:
            spans.append((0, min(position, size)))
        while position < size:
            way = data[position : position + _WAY]
            found = ways.get(way) or self._learn(way, data, position)
            if found is None:
                self._left = 0
                self._stop_at(data[position:])
                return
            start = position + found[0]
            position = start + found[1]
            spans.append((start, position))
        self._left = position - size
        if self._left and spans:  # a part of the last chunk is still to come, or all of it
            start = spans.pop()[0]
            if start < size:
                spans.append((start, size))

    def _learn(self, way: bytes, data: bytes, position: int) -> tuple[int, int] | None:
        """
        Return how far from `position` the next chunk is, and how long it is; None if none begins.
        Remember that for the bytes `way`, if they are enough to tell.
        """
        begin = _between(data, position)
        length = 0 if begin is None else int(begin[1], 16)
        if begin is None or not length:
            return None
        found = begin.end() - position, length
        if found[0] <= _WAY:
            if len(self._ways) == _MOST_WAYS:
                self._ways.clear()
            self._ways[way] = found
        return found

    def _stop_at(self, rest: bytes) -> None:
        """Keep `rest` if it may be the beginning of what is between two chunks; or pass all on."""
        if _may_be_between(rest):
            self._held = rest
            return
        has_begun = self.has_begun or self._spans
        self._after = rest if has_begun else rest.removeprefix(_LINE_END)
        self._take = self._take_rest

    def _take_rest(self, data: bytes) -> None:
        self._before.append(data)


def as_chunk(pieces: Pieces, *, is_first: bool) -> bytes:
    """
    Return the pieces of a body as one chunk without the line end behind it, which the next one
    begins with.  `is_first` is whether it is the first chunk of the body.
    """
    lead = b"" if is_first else _LINE_END
    size = sum(end - begin for begin, end in pieces.spans)
    return b"".join((b"%b%x\r\n" % (lead, size), *pieces))
