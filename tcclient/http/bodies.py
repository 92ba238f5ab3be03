"""
Reads the body of an answer, up to a size.  Knows no time limit: the caller sets one, and cancels.
"""

from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse


class TooLong(Exception):
    """Raised where a body has more bytes than its reader wants."""


def read_body(response: IResponse, most: int) -> Deferred[bytes]:
    """
    Read a whole body.  Fires with it once it is complete.  Fails with TooLong if it has more than
    `most` bytes, and with whatever broke the connection.  Cancelling hangs up.
    """
    reader = _BodyReader(most)
    response.deliverBody(reader)
    return reader.done


def read_beginning(response: IResponse, most: int) -> Deferred[bytes]:
    """
    Read the beginning of a body.  Fires with up to `most` bytes of it, even if it is longer, or the
    connection breaks, or the Deferred is cancelled.
    """
    reader = _BodyReader(most)
    response.deliverBody(reader)
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


class _BodyReader(Protocol):
    """Collects a body of up to `most` bytes; `done` fires with it, or fails."""

    def __init__(self, most: int) -> None:
        self._room = most
        self._parts: list[bytes] = []
        self.done: Deferred[bytes] = Deferred(lambda _: self._hang_up())

    def so_far(self) -> bytes:
        """Return what has come of the body, at most `most` bytes."""
        return b"".join(self._parts)

    def dataReceived(self, data: bytes) -> None:
        self._parts.append(data[: self._room])
        self._room -= len(data)
        if self._room < 0:
            self._room = 0
            # Before hanging up, which may report the end of the body at once.
            self._fail(Failure(TooLong("the body is too long")))
            self._hang_up()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        # A body that ends with the connection may have been cut: whoever parses it finds out.
        if not reason.check(ResponseDone, PotentialDataLoss):
            self._fail(reason)
        elif not self.done.called:
            self.done.callback(self.so_far())

    def _fail(self, reason: Failure) -> None:
        if not self.done.called:
            self.done.errback(reason)

    def _hang_up(self) -> None:
        break_off(self.transport)
