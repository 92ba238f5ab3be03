"""
Reads the body of an answer, up to a size, and inflates it where it is compressed.  Knows no time
limit: the caller sets one, and cancels.
"""

import zlib
from collections.abc import Iterator
from typing import TypeVar, cast

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IPushProducer, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import UNKNOWN_LENGTH, IResponse

from tcclient.http.gunzip import Gunzip, decoder_for

Result = TypeVar("Result")

_STEP = 4096
"""Bytes that are inflated before it is looked at what came of them: at most 4 MiB."""
_BOMB = 200
"""
Bytes that a compressed byte becomes where somebody means harm, beyond the first MiB: 1,000 jobs
with the same keywords make 150 of one, and DEFLATE at most 1,032.
"""


class TooLong(Exception):
    """Raised where a body has more bytes than its reader wants."""


def read_body(response: IResponse, most: int) -> Deferred[bytes]:
    """
    Read a whole body.  Fires with it, inflated, once it is complete.  Fails with TooLong if it has
    more than `most` bytes, with zlib.error or ValueError if it cannot be inflated, and with
    whatever broke the connection.  Cancelling hangs up.
    """
    if response.length is not UNKNOWN_LENGTH and response.length > most:
        abandon(response)
        return fail(TooLong("the body is too long"))
    reader = _read(response, most)
    return reader.done.addBoth(reader.let_go)


def read_beginning(response: IResponse, most: int) -> Deferred[bytes]:
    """
    Read the beginning of a body.  Fires with up to `most` bytes of it, inflated, even if it is
    longer, or the connection breaks, or the Deferred is cancelled.
    """
    reader = _read(response, most)
    return reader.done.addErrback(lambda _: reader.so_far())


def abandon(response: IResponse) -> None:
    """Hang up on an answer whose body nobody wants; otherwise it would stay open for ever."""
    read_beginning(response, 0).cancel()


def break_off(transport: ITransport | None) -> None:
    """
    End the connection below a response's body at once.

    loseConnection() would not do: a silent TLS peer never answers its goodbye (observed).
    """
    if transport is not None:
        cast(IPushProducer, transport).stopProducing()


def _read(response: IResponse, most: int) -> "_BodyReader":
    """Return the reader that the body is delivered to; of an unknown coding it reads nothing."""
    unknown: Failure | None = None
    try:
        decoder = decoder_for(response)
    except ValueError:
        decoder, unknown = None, Failure()
    reader = _BodyReader(most if unknown is None else 0, decoder)
    if unknown is not None:
        reader.fail(unknown)
    response.deliverBody(reader)
    if unknown is not None:
        break_off(reader.transport)
    return reader


class _BodyReader(Protocol):
    """Collects a body of up to `most` bytes; `done` fires with it, or fails."""

    def __init__(self, most: int, decoder: Gunzip | None) -> None:
        self._room = most
        self._decoder = decoder
        self._body = bytearray()  # a list of small pieces would cost forty times as much
        self._sizes = [0, 0]  # as it came, and inflated
        self.done: Deferred[bytes] = Deferred(lambda _: self._hang_up())

    def so_far(self) -> bytes:
        """Return what has come of the body, at most `most` bytes."""
        return bytes(self._body)

    def let_go(self, result: Result) -> Result:
        """Give back the memory: the connection keeps this reader while the body is decoded."""
        self._body.clear()
        return result

    def dataReceived(self, data: bytes) -> None:
        try:
            for plain in self._inflated(data):
                self._keep(plain)
        except (TooLong, zlib.error):
            self._room = 0
            # Before hanging up, which may report the end of the body at once.
            self.fail(Failure())
            self._hang_up()

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        """Yield the plain body in pieces.  Raises zlib.error."""
        if self._decoder is None:
            yield data
            return
        for at in range(0, len(data), _STEP):
            some = data[at : at + _STEP]
            self._sizes[0] += len(some)
            yield from self._decoder.feed(some)

    def _keep(self, plain: bytes) -> None:
        """Take a piece of the body.  Raises TooLong if that is too much."""
        self._body += plain[: self._room]
        self._room -= len(plain)
        self._sizes[1] += len(plain)
        came, inflated = self._sizes
        is_bomb = self._decoder is not None and inflated > max(1 << 20, _BOMB * came)
        if self._room < 0 or is_bomb:
            raise TooLong("the body is too long")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        # A body that ends with the connection may have been cut: whoever parses it finds out.
        if not reason.check(ResponseDone, PotentialDataLoss):
            self.fail(reason)
        elif self._decoder is not None and not self._decoder.is_complete:
            self.fail(Failure(zlib.error("the compressed body was cut")))
        elif not self.done.called:
            self.done.callback(self.so_far())

    def fail(self, reason: Failure) -> None:
        """Have `done` fail, unless it has fired."""
        if not self.done.called:
            self.done.errback(reason)

    def _hang_up(self) -> None:
        break_off(self.transport)
