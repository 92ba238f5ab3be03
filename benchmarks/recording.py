"""
A whole stream prepared in memory, so that sending it costs next to nothing.

Knows bytes and how many posts are in them; nothing of sockets.
"""

import mmap
import os
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

import attrs

from benchmarks.framing import LAST_CHUNK, Gzip, Piece, Plain, by_size, by_tweet, chunk

BATCH = 1 << 20


class Recording:
    """
    `pieces` in a file without a name, whose descriptor is `fd`, and what ends them.

    `ends` has for each piece the offset of its end, `complete` the posts that are complete there.
    """

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.fd = os.memfd_create("recording")
        self.ends = array("Q")
        self.complete = array("L")
        size = posts = 0
        with open(self.fd, "wb", buffering=BATCH, closefd=False) as file:
            for content, number in pieces:
                file.write(content)
                size += len(content)
                posts += number
                self.ends.append(size)
                self.complete.append(posts)
        self.content = memoryview(mmap.mmap(self.fd, size, prot=mmap.PROT_READ))

    @property
    def posts(self) -> int:
        return self.complete[-1]

    def pieces_of(self, posts: int) -> int:
        """How many pieces have at least that many posts, or all."""
        return min(bisect_left(self.complete, posts) + 1, len(self.complete))

    def spans(self, pieces: int) -> Iterator[tuple[int, int, int]]:
        """(start, end, posts complete at the end) of each of so many pieces."""
        start = 0
        for end, complete in zip(self.ends[:pieces], self.complete, strict=False):
            yield start, end, complete
            start = end


@attrs.frozen
class Body:
    """A whole body: `rest` ends it once all of the recording has been sent."""

    recording: Recording
    rest: bytes

    @classmethod
    def of(cls, posts: Iterable[bytes], *, gzip: bool, chunks: str) -> "Body":
        """Chunks of one `tweet` each or of `64k`."""
        coding = Gzip() if gzip else Plain()
        framed = by_tweet(posts, coding) if chunks == "tweet" else by_size(posts, coding)
        recording = Recording(framed)
        rest = coding.end()
        return cls(recording, (chunk(rest) if rest else b"") + LAST_CHUNK)

    def ending(self, sent: int) -> bytes:
        """What ends a body of which so many posts were sent; a part of a gzip has no end."""
        return self.rest if sent == self.recording.posts else LAST_CHUNK
