"""From posts to the bytes of an HTTP body, and where it may be cut for one send.  Opens nothing."""

import zlib
from collections.abc import Iterable, Iterator

LAST_CHUNK = b"0\r\n\r\n"
LARGE_CHUNK = 64 << 10
GZIP_LEVEL = 6

Piece = tuple[bytes, int]
"""Bytes that are sent at once, and how many posts are complete with them."""


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


class Plain:
    """A content coding that changes nothing."""

    def encode(self, post: bytes) -> bytes:
        return post

    def end(self) -> bytes:
        return b""


class Gzip:
    """Each post can be inflated as soon as it has arrived."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)

    def encode(self, post: bytes) -> bytes:
        return self._deflate.compress(post) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._deflate.flush(zlib.Z_FINISH)


def delimited(posts: Iterable[bytes]) -> Iterator[bytes]:
    """Each post after a line with its length: what v1.1 sends to who asks `delimited=length`."""
    return (b"%d\r\n%b" % (len(post), post) for post in posts)


def by_tweet(posts: Iterable[bytes], coding: Plain | Gzip) -> Iterator[Piece]:
    """A chunk for each post, as Twitter sends them."""
    for post in posts:
        yield chunk(coding.encode(post)), 1


def by_size(posts: Iterable[bytes], coding: Plain | Gzip) -> Iterator[Piece]:
    """Chunks of LARGE_CHUNK bytes, wherever posts end in them, and a smaller one."""
    held, begun = bytearray(), 0
    for post in posts:
        held += coding.encode(post)
        begun += 1
        while len(held) >= LARGE_CHUNK:
            complete = begun if len(held) == LARGE_CHUNK else begun - 1
            yield chunk(bytes(held[:LARGE_CHUNK])), complete
            del held[:LARGE_CHUNK]
            begun -= complete
    if held:
        yield chunk(bytes(held)), begun
