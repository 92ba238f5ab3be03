"""The faults that hurt a stream: silence, slowness, broken bytes and rude ends."""

from typing import Annotated

import msgspec

from tcsandbox.twitter.common.faults import Count, Seconds, StreamFault
from tcsandbox.twitter.common.stream import Stream
from tcsandbox.twitter.common.wire import Split

LongSize = Annotated[int, msgspec.Meta(ge=32_768)]  # larger than any post that is padded

CONNECTION_LIMIT = b"Exceeded connection limit for user\r\n"


class Stall(StreamFault):
    """Sends no more posts and no keep-alives, but keeps the connection."""

    def strike(self, stream: Stream) -> None:
        stream.silent = True


class Trickle(StreamFault):
    """Sends one byte every `interval` seconds."""

    interval: Seconds = 0.05

    def strike(self, stream: Stream) -> None:
        stream.wire.trickle(self.interval)


class SplitChunks(StreamFault, tag="split"):
    """Ends chunks at awkward places: after each byte, within characters, between CR and LF."""

    at: Split = "byte"

    def strike(self, stream: Stream) -> None:
        stream.wire.split = self.at


class Rst(StreamFault):
    """Resets the connection in the middle of a post."""

    def strike(self, stream: Stream) -> None:
        _send_half(stream)
        stream.wire.reset()


class Fin(StreamFault):
    """Closes the connection in the middle of a post."""

    def strike(self, stream: Stream) -> None:
        _send_half(stream)
        stream.wire.hang_up()


class Close(StreamFault):
    """Ends the body properly, between two messages; at a connect it is a 200 and nothing else."""

    def strike(self, stream: Stream) -> None:
        stream.wire.end()


class Garbage(StreamFault):
    """Sends a line that is not JSON."""

    line: str = "<html><body>Twitter is over capacity.</body></html>"

    def strike(self, stream: Stream) -> None:
        stream.wire.send(self.line.encode() + b"\r\n")


class Repeat(StreamFault):
    """Sends the last `count` posts once more, of streams before it too, as far as remembered."""

    count: Count = 1

    def strike(self, stream: Stream) -> None:
        stream.send_again(list(stream.recent)[-self.count :])


class RunTogether(StreamFault):
    """Sends two posts with nothing between them."""

    def strike(self, stream: Stream) -> None:
        (first, note), second = stream.draw_post(), stream.draw_post()
        stream.send_again([(first.removesuffix(b"\r\n"), note), second])


class LongLine(StreamFault, kw_only=True):
    """Sends a post whose line has `size` bytes, CRLF not counted."""

    size: LongSize

    def strike(self, stream: Stream) -> None:
        post, note = stream.draw_post()
        head, tail = post.removesuffix(b"}\r\n") + b',"padding":"', b'"}'
        padding = b"x" * (self.size - len(head) - len(tail))
        stream.send_posts([head + padding + tail + b"\r\n"], [note])


class BadChunk(StreamFault):
    """Sends a chunk whose size is no number."""

    def strike(self, stream: Stream) -> None:
        stream.wire.send_raw(b"zz\r\nthis is no chunk\r\n")


class GzipCut(StreamFault):
    """Ends the body as HTTP ends it, but in the middle of a gzip block, if the stream has gzip."""

    def strike(self, stream: Stream) -> None:
        if stream.wire.gzip:
            packed = stream.wire.pack(stream.draw_post()[0])
            stream.wire.send_packed(packed[: len(packed) // 2])
            stream.wire.break_off()


class SimulatedConnectionLimit(StreamFault, tag="connection-limit"):
    """Sends Twitter's plain-text line about too many connections, and ends the body."""

    def strike(self, stream: Stream) -> None:
        stream.wire.send(CONNECTION_LIMIT)
        stream.wire.end()


def _send_half(stream: Stream) -> None:
    """Send the first half of a post, uncounted."""
    post, _ = stream.draw_post()
    stream.wire.send(post[: len(post) // 2])
