"""Behaviour of the decoder of a compressed stream, and of how the coding is kept from treq."""

import gzip
import zlib
from collections.abc import Iterable
from itertools import pairwise
from random import Random
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.iweb import IResponse
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from tcclient.http.bodies import break_off, read_beginning, read_body
from tcclient.http.clients import AsItIs
from tcclient.http.gunzip import PIECE, Gunzip, decoder_for
from tcclient.stream.clients import stream_client

members = st.lists(st.binary(max_size=40), max_size=4)
places = st.lists(st.integers(0, 200), max_size=12)

NOISE = Random(1).randbytes(3 * PIECE)


def compressed(members: Iterable[bytes]) -> bytes:
    """Each of `members` as a gzip member of its own, one behind the other."""
    return b"".join(gzip.compress(member, mtime=0) for member in members)


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """`data` in pieces, some of them empty."""
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


def fed(pieces: Iterable[bytes]) -> list[bytes]:
    """What comes out when `pieces` go in."""
    gunzip = Gunzip()
    return [out for piece in pieces for out in gunzip.feed(piece)]


class GunzipTests(SynchronousTestCase):
    """Bytes in, pieces out."""

    @given(members, places)
    def test_any_segmentation(self, members: list[bytes], places: list[int]) -> None:
        """However one or several members are cut, the same bytes come out, none of them late."""
        data = compressed(members)
        for pieces in ([data], cut(data, places), [data[i : i + 1] for i in range(len(data))]):
            self.assertEqual(b"".join(fed(pieces)), b"".join(members))

    def test_long_members(self) -> None:
        """No piece is longer than PIECE, none is empty, and all come, at each length about it."""
        for length in (PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE):
            for plain in (b"x" * length, NOISE[:length]):
                data = compressed([plain, b"end"])
                for pieces in (
                    [data],
                    cut(data, range(0, len(data), 60_000)),
                    [data[:-30], data[-30:]],
                ):
                    out = fed(pieces)
                    self.assertEqual(b"".join(out), plain + b"end")
                    self.assertTrue(all(0 < len(piece) <= PIECE for piece in out))

    def test_a_stream_that_is_flushed(self) -> None:
        """What the other side has flushed comes out at once, also where a piece is just full."""
        for length in (1, 5000, PIECE - 1, PIECE, PIECE + 1):
            deflate = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
            gunzip = Gunzip()
            for _ in range(3):
                data = deflate.compress(b"y" * length) + deflate.flush(zlib.Z_SYNC_FLUSH)
                self.assertEqual(b"".join(gunzip.feed(data)), b"y" * length)

    def test_nothing_is_late(self) -> None:
        """What can be decoded comes out, also where the last byte in fills more than a piece."""
        deflate = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
        data = deflate.compress(b"y" * (PIECE + 100)) + deflate.flush(zlib.Z_SYNC_FLUSH)
        for end in range(len(data) - 12, len(data) + 1):
            at_once = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data[:end])
            self.assertEqual(sum(map(len, Gunzip().feed(data[:end]))), len(at_once), end)

    def test_a_bomb(self) -> None:
        """A thousandfold expansion comes in bounded pieces, one at a time."""
        plain = b"\0" * (40 * PIECE)
        pieces = Gunzip().feed(gzip.compress(plain, mtime=0))
        self.assertEqual(len(next(pieces)), PIECE)
        self.assertEqual(sum(map(len, pieces)), 39 * PIECE)

    def test_corrupt(self) -> None:
        """It raises zlib.error, in whatever place, and goes on doing so."""
        good = gzip.compress(b"some posts " * 20, mtime=0)
        for bad in (
            b"Exceeded connection limit for user\r\n",
            b"\x1f\x8b\x07" + good[3:],
            good[:20] + b"\xff\xff\xff\xff" + good[24:],
            good[:-8] + b"\0\0\0\0" + good[-4:],
            good[:-4] + b"\0\0\0\0",
            good + b"xy",
            good + b"\0" * 8,
        ):
            for pieces in ([bad], cut(bad, range(len(bad)))):
                self.assertRaises(zlib.error, fed, pieces)

    def test_what_came_before_the_corruption(self) -> None:
        """Nothing of the reads before it is lost."""
        good = gzip.compress(b"some posts", mtime=0)
        gunzip = Gunzip()
        self.assertEqual(b"".join(gunzip.feed(good)), b"some posts")
        self.assertRaises(zlib.error, list, gunzip.feed(b"no gzip"))
        self.assertRaises(zlib.error, list, gunzip.feed(good))

    @given(members, places, st.binary(max_size=20), st.integers(0, 100))
    def test_any_corruption(
        self, members: list[bytes], places: list[int], noise: bytes, at: int
    ) -> None:
        """Either bytes or zlib.error, nothing else."""
        good = compressed(members)
        gunzip = Gunzip()
        for piece in cut(good[:at] + noise + good[at:], places):
            try:
                for out in gunzip.feed(piece):
                    self.assertLessEqual(len(out), PIECE)
            except zlib.error:
                return


class Coded(Resource):
    """Sends the codings, other headers and body that a test has given it."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.codings: list[bytes] = []
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.accepted: list[str] = []

    def render_POST(self, request: Request) -> Any:
        self.accepted = request.requestHeaders.getRawHeaders("Accept-Encoding", [])
        request.responseHeaders.setRawHeaders(b"content-encoding", self.codings)
        for name, value in self.headers.items():
            request.setHeader(name, value)
        request.write(self.body)
        request.finish()
        return NOT_DONE_YET


class Discard(Protocol):
    """Hangs up at the first byte; fires at the end."""

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        break_off(self.transport)

    def connectionLost(self, reason: Any = None) -> None:
        self.ended.callback(None)


class HiddenCodingTests(TestCase):
    """treq sees a plain body; what it is compressed with is known to decoder_for."""

    def setUp(self) -> None:
        self.server = Coded()
        self.site = Site(self.server)
        self.port = cast(Any, reactor).listenTCP(0, self.site, interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)
        self.client = stream_client(cast(Any, reactor), None, stock=False)

    async def ask(self, body: bytes, *codings: bytes, **headers: bytes) -> IResponse:
        """The answer to a request as the stream is asked for."""
        self.server.codings, self.server.body = list(codings), body
        self.server.headers = {
            name.replace("_", "-").encode(): value for name, value in headers.items()
        }
        return cast(
            IResponse,
            await self.client.request(
                "POST",
                AsItIs.from_text(f"http://127.0.0.1:{self.port.getHost().port}/"),
                data=b"",
                unbuffered=True,
                allow_redirects=False,
            ),
        )

    async def test_gzip(self) -> None:
        """It is asked for, and decoded here."""
        data = compressed([b"post\r\n" * 1000, b"\r\n"])
        for coding in (b"gzip", b"x-gzip", b"GZip", b" gzip "):
            response = await self.ask(data, coding)
            self.assertIsNotNone(decoder_for(response))
            self.assertEqual(await read_body(response, 1 << 20), b"post\r\n" * 1000 + b"\r\n")
            self.assertIn("gzip", ",".join(self.server.accepted))

    async def test_plain(self) -> None:
        """No coding, and the one that means none."""
        for codings in ((), (b"identity",), (b"",)):
            response = await self.ask(b"post\r\n", *codings)
            self.assertIsNone(decoder_for(response))
            self.assertEqual(await read_body(response, 100), b"post\r\n")

    async def test_unknown_codings(self) -> None:
        """They are named, whatever bytes they are of; the connection is ours to end."""
        for codings in ((b"br",), (b"gzip, gzip",), (b"gzip", b"br"), (b"\xff\xfe",)):
            response = await self.ask(b"x", *codings)
            error = self.assertRaises(ValueError, decoder_for, response)
            self.assertIn("the stream has the unknown content coding", str(error))
            discard = Discard()
            response.deliverBody(discard)
            await discard.ended

    async def test_the_hidden_name_is_ours(self) -> None:
        """A server that uses it says nothing by it."""
        response = await self.ask(b"plain", x_hidden_content_encoding=b"gzip")
        self.assertIsNone(decoder_for(response))
        self.assertEqual(await read_body(response, 100), b"plain")

    async def test_beginnings(self) -> None:
        """Of a refusal, what can be read, and nothing of what cannot be."""
        bomb = gzip.compress(b"x" * (2 * PIECE), mtime=0)
        for body, coding, beginning in (
            (b"wrong keys", b"", b"wrong keys"),
            (compressed([b"wrong keys"]), b"gzip", b"wrong keys"),
            (compressed([b"wrong keys"])[:-9], b"gzip", b"wrong keys"),
            (bomb, b"gzip", b"x" * 4000),
            (b"wrong keys", b"gzip", b""),
            (b"", b"gzip", b""),
            (b"wrong keys", b"br", b""),
        ):
            response = await self.ask(body, coding)
            self.assertEqual(await read_beginning(response, 4000), beginning)
