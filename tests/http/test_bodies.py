"""Behaviour of reading an answer's body: bounded, and hung up on where it is not wanted."""

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IProtocol, ITransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH, IResponse

from tcclient.http.bodies import TooLong, abandon, break_off, read_beginning, read_body
from tcclient.http.gunzip import HIDDEN

DONE = Failure(ResponseDone())
UNTIL_CLOSED = Failure(PotentialDataLoss())
LOST = Failure(ResponseFailed([Failure(ConnectionLost())]))


class Body:
    """An answer whose body the test says; `says_at_once` whether hanging up ends it in the act."""

    def __init__(self, says_at_once: Failure | None = None) -> None:
        self.says_at_once = says_at_once
        self.hung_up = 0
        self.protocol: IProtocol = Protocol()
        self.headers = Headers()
        self.length: int | str = UNKNOWN_LENGTH

    def deliverBody(self, protocol: IProtocol) -> None:
        self.protocol = protocol
        protocol.makeConnection(cast(Any, self))

    def stopProducing(self) -> None:
        self.hung_up += 1
        if self.says_at_once is not None:
            reason, self.says_at_once = self.says_at_once, None
            self.ends(reason)

    def says(self, *pieces: bytes) -> "Body":
        for piece in pieces:
            self.protocol.dataReceived(piece)
        return self

    def ends(self, reason: Failure = DONE) -> None:
        self.protocol.connectionLost(reason)


class BodyTestCase(SynchronousTestCase):
    """Gives out one answer."""

    read: Callable[[IResponse, int], Deferred[bytes]]

    def body(
        self, most: int, says_at_once: Failure | None = None, coding: str = ""
    ) -> tuple[Body, Deferred[bytes]]:
        body = Body(says_at_once)
        if coding:
            body.headers.addRawHeader(HIDDEN, coding)
        return body, type(self).read(cast(IResponse, body), most)


class ReadBodyTests(BodyTestCase):
    """The whole body, or a failure."""

    read = staticmethod(read_body)

    def test_complete(self) -> None:
        """It fires at the end, and not before; both ends that may be complete are."""
        for end in (DONE, UNTIL_CLOSED):
            body, read = self.body(10)
            body.says(b"abc", b"", b"def")
            self.assertNoResult(read)
            body.ends(end)
            self.assertEqual(self.successResultOf(read), b"abcdef")
            self.assertEqual(body.hung_up, 0)

    def test_empty(self) -> None:
        """No byte is a body too."""
        body, read = self.body(0)
        body.ends()
        self.assertEqual(self.successResultOf(read), b"")

    def test_cut(self) -> None:
        """A broken connection is what it fails with."""
        body, read = self.body(10)
        body.says(b"abc").ends(LOST)
        self.failureResultOf(read, ResponseFailed)

    def test_the_longest(self) -> None:
        """`most` bytes are read; the next one ends it at once."""
        body, read = self.body(4)
        body.says(b"abcd").ends()
        self.assertEqual(self.successResultOf(read), b"abcd")
        body, read = self.body(4)
        body.says(b"abcd", b"e")
        self.failureResultOf(read, TooLong)
        self.assertTrue(body.hung_up)

    def test_told_to_be_too_long(self) -> None:
        """Nothing is read of it."""
        for length, is_read in ((4, True), (5, False), (1 << 40, False)):
            body = Body()
            body.length = length
            read = read_body(cast(IResponse, body), 4)
            if is_read:
                body.says(b"abcd").ends()
                self.assertEqual(self.successResultOf(read), b"abcd")
            else:
                self.failureResultOf(read, TooLong)
            self.assertEqual(bool(body.hung_up), not is_read)

    def test_what_comes_after_too_much(self) -> None:
        """Bytes that were under way, and the end, are no further news."""
        body, read = self.body(2)
        body.says(b"abc", b"def").ends(LOST)
        self.failureResultOf(read, TooLong)

    def test_small_pieces(self) -> None:
        """They cost what their bytes do: an answer may come in chunks of two bytes."""
        body, read = self.body(1 << 18)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for number in range(1 << 17):
            body.says(bytes((number & 255, 0)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        self.assertLess(peak, 1 << 20)
        body.ends()
        self.assertEqual(len(self.successResultOf(read)), 1 << 18)

    def test_too_long_where_hanging_up_ends_it_in_the_act(self) -> None:
        """It is too long all the same, not complete or lost."""
        for end in (UNTIL_CLOSED, LOST):
            body, read = self.body(2, says_at_once=end)
            body.says(b"abc")
            self.failureResultOf(read, TooLong)

    def test_cancelled(self) -> None:
        """It hangs up; what comes later is no news."""
        body, read = self.body(10)
        body.says(b"abc")
        read.cancel()
        self.failureResultOf(read, CancelledError)
        self.assertEqual(body.hung_up, 1)
        body.says(b"d").ends()


class CompressedBodyTests(BodyTestCase):
    """What is inflated while it is read, and no further than it is wanted."""

    read = staticmethod(read_body)

    def test_whole(self) -> None:
        """It arrives plain, however it is cut, and its size is that of what is plain."""
        plain = b"0123456789" * 1000
        data = gzip.compress(plain, mtime=0)
        for step in (1, 7, 10_000):
            body, read = self.body(len(plain), coding="gzip")
            body.says(*(data[at : at + step] for at in range(0, len(data), step))).ends()
            self.assertEqual(self.successResultOf(read), plain)
        body, read = self.body(len(plain) - 1, coding="gzip")
        body.says(data)
        self.failureResultOf(read, TooLong)
        self.assertTrue(body.hung_up)

    def test_cut_or_corrupt(self) -> None:
        """It is no answer, as soon as that is known."""
        data = gzip.compress(b"{}", mtime=0)
        for cut in range(len(data)):
            body, read = self.body(100, coding="gzip")
            body.says(data[:cut]).ends()
            self.failureResultOf(read, zlib.error)
        body, read = self.body(100, coding="gzip")
        body.says(b"no gzip")
        self.failureResultOf(read, zlib.error)
        self.assertTrue(body.hung_up)

    def test_a_coding_that_is_not_known(self) -> None:
        """It is said, and hung up."""
        body, read = self.body(100, coding="br")
        self.assertIn("'br'", str(self.failureResultOf(read, ValueError).value))
        self.assertTrue(body.hung_up)

    def test_bombs(self) -> None:
        """They end before they cost 4 MiB, whatever the limit, in one read or in many."""
        bomb = gzip.compress(b"0" * (64 << 20), mtime=0)
        for step in (len(bomb), 1000):
            body, read = self.body(1 << 30, coding="gzip")
            tracemalloc.start()
            self.addCleanup(tracemalloc.stop)
            body.says(*(bomb[at : at + step] for at in range(0, len(bomb), step)))
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            self.failureResultOf(read, TooLong)
            self.assertLess(peak, 4 << 20)

    def test_a_list_of_jobs_is_no_bomb(self) -> None:
        """A thousand jobs with the same long keywords, which compress as well as any list does."""
        words = ", ".join(f"word{number}" for number in range(1000))
        jobs = [{"id": id, "keywords": words} for id in range(1000)]
        plain = json.dumps(jobs).encode()
        body, read = self.body(16 << 20, coding="gzip")
        body.says(gzip.compress(plain, mtime=0)).ends()
        self.assertEqual(self.successResultOf(read), plain)


class ReadBeginningTests(BodyTestCase):
    """What there is, whatever happens."""

    read = staticmethod(read_beginning)

    def test_complete_and_cut(self) -> None:
        """Short bodies are read whole, broken ones as far as they came."""
        for end in (DONE, UNTIL_CLOSED, LOST):
            body, read = self.body(10)
            body.says(b"abc", b"def").ends(end)
            self.assertEqual(self.successResultOf(read), b"abcdef")

    def test_long(self) -> None:
        """The first `most` bytes; the rest is hung up on."""
        for end in (None, UNTIL_CLOSED, LOST):
            body, read = self.body(4, says_at_once=end)
            body.says(b"abc", b"def")
            self.assertEqual(self.successResultOf(read), b"abcd")
            self.assertTrue(body.hung_up)

    def test_cancelled(self) -> None:
        """As far as it came."""
        body, read = self.body(10)
        body.says(b"abc")
        read.cancel()
        self.assertEqual(self.successResultOf(read), b"abc")
        self.assertEqual(body.hung_up, 1)
        body.ends()

    @given(st.lists(st.binary(max_size=5), max_size=8), st.integers(0, 20))
    def test_any_pieces(self, pieces: list[bytes], most: int) -> None:
        """Never more than `most` bytes, and those are the first; read_body agrees on which fit."""
        whole = b"".join(pieces)
        body, read = self.body(most)
        body.says(*pieces).ends()
        self.assertEqual(self.successResultOf(read), whole[:most])
        self.assertEqual(bool(body.hung_up), len(whole) > most)
        body = Body()
        read = read_body(cast(IResponse, body), most)
        body.says(*pieces).ends()
        if len(whole) > most:
            self.failureResultOf(read, TooLong)
        else:
            self.assertEqual(self.successResultOf(read), whole)


class HangUpTests(SynchronousTestCase):
    """Ends that nobody waits for."""

    def test_abandon(self) -> None:
        """An answer that nobody wants is hung up on, and its end is no news."""
        for says_at_once in (None, DONE, LOST):
            body = Body(says_at_once)
            abandon(cast(IResponse, body))
            self.assertEqual(body.hung_up, 1)
            body.says(b"abc").ends(LOST)

    def test_no_transport(self) -> None:
        """There is nothing to do before the beginning, or after the end."""
        break_off(None)

    def test_break_off(self) -> None:
        """The transport stops at once."""
        body = Body()
        break_off(cast(ITransport, body))
        self.assertEqual(body.hung_up, 1)
