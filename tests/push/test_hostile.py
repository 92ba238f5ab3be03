"""A hostile server disturbs nobody: frames of any kind, size and rate, on real sockets."""

from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread, deferToThread
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from tests import DEPTH
from tests.marks import Need, needs
from tests.push.liveserver import WELCOME, HostileServer, client_of
from tests.scene import Scene, until


def frame(opcode: int, data: bytes, fin: bool = True, rsv: int = 0, mask: bytes = b"") -> bytes:
    """Return a frame, be it allowed or not."""
    head = bytes([fin << 7 | rsv << 4 | opcode])
    size, bit = len(data), 0x80 if mask else 0
    if size < 126:
        length = bytes([bit | size])
    elif size < 1 << 16:
        length = bytes([bit | 126]) + size.to_bytes(2)
    else:
        length = bytes([bit | 127]) + size.to_bytes(8)
    return head + length + mask + data


MESSAGES = st.sampled_from(
    [
        b'{"type":"changed","job":1,"revision":2}',
        b'{"type":"changed","job":-1,"revision":1e999}',
        b'{"type":"held","ledger":"abc","offset":18446744073709551616}',
        b'{"type":"again"}',
        b'{"type":"beat"}',
        b'{"type":"bye","reason":"x","retry_after":1e308}',
        b'{"type":"bye","reason":"x","retry_after":-1e308}',
        b'{"type":"unheard of"}',
        WELCOME,
        b'{"type":"again"' + b',"x":[' * 3000,
        b"[" * 10_000,
        b'"\\ud800"',
    ]
)
FRAMES = st.one_of(
    st.builds(frame, st.sampled_from([1, 1, 1, 2]), MESSAGES),
    st.builds(
        frame,
        st.integers(0, 15),
        st.binary(max_size=200) | st.sampled_from([b"x" * 16_384, b"x" * 16_385, b"x" * 70_000]),
        st.booleans(),
        st.integers(0, 7),
        st.sampled_from([b"", b"", b"", b"mask"]),
    ),
    st.builds(lambda code: frame(8, code.to_bytes(2)), st.integers(0, 5000)),
    st.sampled_from(
        [
            b"\x81\x7f" + b"\xff" * 8,  # a length of 2**64 - 1
            b"\x89\x00" * 30_000,  # pings without a pause
            b"\x01\x00" + b"\x00\x00" * 30_000,  # a message that never ends
            frame(1, b'{"type":"again"}') * 5_000,
        ]
    ),
    st.binary(max_size=100),
)
ANSWERS = st.sampled_from(
    [
        b"",
        b"\x00" * 100_000,
        b"HTTP/1.1 101 x\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
        b"HTTP/1.1 503 x\r\nRetry-After: \xff\r\n\r\n",
        b"HTTP/1.1 302 x\r\nLocation: wss://elsewhere/\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        HostileServer.GOOD.replace(b"KEY", b"another"),
        HostileServer.GOOD.replace(
            b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        ),
        HostileServer.GOOD.replace(b"tcc.1", b"tcc.2"),
    ]
)


class HostileServerTests(TestCase):
    timeout = 300

    async def play(self, pieces: Sequence[bytes], answer: bytes = HostileServer.GOOD) -> None:
        """
        Have a client connect to a server that says this; it was up and is down again, has logged no
        failure, and ends.
        """
        hostile = HostileServer(pieces, answer)
        port = reactor.listenTCP(0, hostile, interface="127.0.0.1")
        with capturedLogs() as events:
            channel, user = client_of(self, f"ws://127.0.0.1:{port.getHost().port}/ws/client/")
            await hostile.gone
            if answer == HostileServer.GOOD:
                await until(lambda: user.told[:1] == [("up", 1.0, {})] and "down" in user.told)
            await channel.stopService()
        await port.stopListening()
        self.assertEqual([one for one in events if "log_failure" in one], [])
        self.assertNotIn("s3cret", repr(events))

    async def test_after_a_welcome(self) -> None:
        """Whatever comes, in whatever pieces."""

        @example([b"\x89\x00" * 30_000], 2000)
        @example([b"\x01\x00" + b"\x00\x00" * 30_000], 65_536)
        @example([frame(1, b'{"type":"again"}') * 5_000], 65_536)
        @settings(max_examples=60 * DEPTH)
        @given(st.lists(FRAMES, max_size=8), st.sampled_from([1000, 4096, 65_536]))
        def each(frames: list[bytes], size: int) -> None:
            said = frame(1, WELCOME) + b"".join(frames)
            pieces = [said[at : at + size] for at in range(0, len(said), size)]
            blockingCallFromThread(reactor, self.as_deferred, pieces)

        await deferToThread(each)

    async def test_in_place_of_a_handshake(self) -> None:
        @settings(max_examples=30 * DEPTH)
        @given(ANSWERS | st.binary(max_size=500), st.lists(FRAMES, max_size=2))
        def each(answer: bytes, frames: list[bytes]) -> None:
            blockingCallFromThread(reactor, self.as_deferred, frames, answer)

        await deferToThread(each)

    def as_deferred(
        self, pieces: Sequence[bytes], answer: bytes = HostileServer.GOOD
    ) -> Deferred[None]:
        """Play, in the reactor's thread."""
        return Deferred.fromCoroutine(self.play(pieces, answer))


@needs(Need.SECONDS)
class BesideACaptureTests(TestCase):
    timeout = 120

    async def test_a_capture_goes_on(self) -> None:
        """Whatever floods the channel, its stream is read, and has no gap."""
        scene = Scene(self, rate=200.0)
        scene.store.create("cats", "cats", 2)
        scene.start()
        await scene.posts(20)
        floods = (
            b"\x89\x00" * 200_000,
            frame(1, b'{"type":"again"}') * 50_000,
            b"\x00" * 1_000_000,
        )
        for flood in floods * 5:
            hostile = HostileServer([frame(1, WELCOME) + flood])
            port = reactor.listenTCP(0, hostile, interface="127.0.0.1")
            channel, _ = client_of(self, f"ws://127.0.0.1:{port.getHost().port}/ws/client/")
            await hostile.gone
            await channel.stopService()
            await port.stopListening()
            await scene.posts(1)
        self.assertEqual([gap["cause"] for gap in scene.disk.ledger("cats", "gap")], ["start"])
        self.assertEqual(len(scene.streams), 1)
