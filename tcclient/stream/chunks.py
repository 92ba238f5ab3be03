"""
The chunks of an answer are undone, all of a read at once.

Twitter sends each post as a chunk of its own (Transfer-Encoding: chunked), and Twisted's decoder
spends more on each chunk than all that is done to the post.  So all of a read is handed on as
pieces of the body, which go past it, or as one chunk; nothing is relied on but that chunks may be
cut anywhere (RFC 9112, 7.1).  What is not understood here goes on byte for byte (another status,
another coding, chunk extensions, whatever is malformed, the last chunk and its trailers), so that
Twisted judges it, and tells an answer that ended from one that was cut, as it would without.
"""

import re
from collections.abc import Iterator

import attrs

MOST_HEAD = 1 << 16
"""Bytes of the longest head that is looked through."""

_head_end = re.compile(rb"\n\r?\n").search
"""As Twisted sees it, to whom the carriage returns are optional."""
_is_ok = re.compile(rb"HTTP/1\.1 200[ \r]").match
_codings = re.compile(rb"transfer-encoding", re.IGNORECASE).findall
_is_chunked = re.compile(rb"\ntransfer-encoding:[ \t]*chunked[ \t]*\r?\n", re.IGNORECASE).search

_between = re.compile(rb"\r\n([0-9A-Fa-f]{1,8})\r\n").match
"""From the last byte of one chunk to the first of the next, whose size it names."""
_may_be_between = re.compile(rb"(?:\r(?:\n(?:[0-9A-Fa-f]{1,8}\r?)?)?)?\Z").match
_LINE_END = b"\r\n"

_WAY = 8
"""
Bytes behind a chunk that are the key to where the next one is, which costs a fifth of reading its
size.  A size of up to four digits and its line ends fit; with fewer digits the key also holds how
the content begins, which is the same for all posts.
"""
_MOST_WAYS = 1 << 13


@attrs.frozen
class Pieces:
    """What a read has of a body: where each piece of it begins in `read`, and where it ends."""

    read: bytes
    spans: list[tuple[int, int]]

    @property
    def size(self) -> int:
        """Bytes of all together."""
        return sum(end - begin for begin, end in self.spans)

    def __iter__(self) -> Iterator[bytes]:
        return (self.read[begin:end] for begin, end in self.spans)


class Unchunker:
    """Takes one answer, cut anywhere.  `has_begun`: a piece of its body has been given."""

    def __init__(self) -> None:
        self._take = self._take_head
        self._head = bytearray()
        self._before: list[bytes] = []
        self._read = b""
        self._spans: list[tuple[int, int]] = []
        self._after = b""
        self.has_begun = False
        self._left = 0  # bytes of a chunk that are still to come
        self._held = b""  # how the way to the next chunk begins
        self._ways: dict[bytes, tuple[int, int]] = {}  # those that have been seen

    def take(self, data: bytes) -> tuple[bytes, Pieces | None, bytes]:
        """
        What `data` is: bytes that are none of the body's, pieces of the body, each of one chunk and
        none empty, and bytes that are none of the body's again.  Nothing waits for the next read
        but the beginning of a size.
        """
        self._take(data)
        before, read, spans, after = b"".join(self._before), self._read, self._spans, self._after
        self._before, self._read, self._spans, self._after = [], b"", [], b""
        if not spans:
            return before, None, after
        self.has_begun = True
        return before, Pieces(read, spans), after

    def _take_head(self, data: bytes) -> None:
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
            # The first chunk begins as one that another one went before.
            self._take = self._take_chunks
            self._take_chunks(_LINE_END + rest)
        else:
            self._take = self._take_rest
            self._take_rest(rest)

    def _take_chunks(self, data: bytes) -> None:
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
        if self._left and spans:  # of the last chunk more is to come, or all of it
            start = spans.pop()[0]
            if start < size:
                spans.append((start, size))

    def _learn(self, way: bytes, data: bytes, position: int) -> tuple[int, int] | None:
        """How long the way to the next chunk is, and that chunk; None where none begins."""
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
        """The way to the next chunk has not come as a whole, or is none."""
        if _may_be_between(rest):
            self._held = rest
        else:
            self._pass_on(rest)

    def _pass_on(self, rest: bytes) -> None:
        """From here on, byte for byte."""
        has_begun = self.has_begun or self._spans
        self._after = rest if has_begun else rest.removeprefix(_LINE_END)
        self._take = self._take_rest

    def _take_rest(self, data: bytes) -> None:
        self._before.append(data)


def as_chunk(pieces: Pieces, *, is_first: bool) -> bytes:
    """Pieces of a body as one chunk; what follows it ends it."""
    lead = b"" if is_first else _LINE_END
    return b"".join((b"%b%x\r\n" % (lead, pieces.size), *pieces))
