"""
The same answer in fewer chunks.

Twitter sends each post as a chunk of its own (Transfer-Encoding: chunked), and Twisted's decoder
spends more on each chunk than all that is done to the post.  So the body is framed anew in front of
it: all that one read brings becomes a single chunk.  Nothing is relied on but that chunks may be
cut anywhere (RFC 9112, 7.1).  What is not understood here goes on byte for byte (another status,
another coding, chunk extensions, whatever is malformed, the last chunk and its trailers), so that
Twisted judges it, and tells an answer that ended from one that was cut, as it would without.
"""

import re

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


class Joiner:
    """Takes one answer, cut anywhere."""

    def __init__(self) -> None:
        self._take = self._take_head
        self._head = bytearray()
        self._out: list[bytes] = []
        self._pieces: list[bytes] = []  # of chunks, not framed yet
        self._lead = b""  # what ends the chunk before
        self._left = 0  # bytes of a chunk that are still to come
        self._held = b""  # how the way to the next chunk begins

    def take(self, data: bytes) -> bytes:
        """What is to be passed on in place of `data`; sometimes nothing, never late."""
        self._take(data)
        self._frame()
        out, self._out = self._out, []
        return b"".join(out)

    def _take_head(self, data: bytes) -> None:
        seen = max(0, len(self._head) - 2)
        self._head += data
        end = _head_end(self._head, seen)
        if end is None:
            if len(self._head) > MOST_HEAD:
                self._head.clear()
                self._take = self._take_rest
            self._out.append(data)
            return
        body = len(self._head) - end.end()
        head = bytes(self._head[: end.end()])
        self._head.clear()
        self._out.append(data[: len(data) - body])
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
        pieces, position, size = self._pieces, self._left, len(data)
        if position:
            pieces.append(data[:position])
        while position < size:
            begin = _between(data, position)
            if begin is None:
                self._stop_at(data[position:])
                return
            start = begin.end()
            length = int(begin[1], 16)
            if not length:
                self._pass_on(data[position:])
                return
            position = start + length
            pieces.append(data[start:position])
        self._left = position - size

    def _stop_at(self, rest: bytes) -> None:
        """The way to the next chunk has not come as a whole, or is none."""
        self._left = 0
        if _may_be_between(rest):
            self._held = rest
        else:
            self._pass_on(rest)

    def _pass_on(self, rest: bytes) -> None:
        """From here on, byte for byte."""
        self._frame()
        self._out.append(rest if self._lead else rest.removeprefix(_LINE_END))
        self._take = self._take_rest

    def _take_rest(self, data: bytes) -> None:
        self._out.append(data)

    def _frame(self) -> None:
        """One chunk of all pieces; what follows it ends it.  An empty one would end the answer."""
        size = sum(map(len, self._pieces))
        if size:
            self._out.append(b"%b%x\r\n" % (self._lead, size))
            self._out += self._pieces
            self._lead = _LINE_END
        self._pieces.clear()
