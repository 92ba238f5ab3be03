"""Reads the body of an answer, within bounds of size and, by its caller, of time."""

from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IResponse


class TooLong(Exception):
    """The body has more bytes than were allowed."""


def read_body(response: IResponse, most: int) -> Deferred[bytes]:
    """
    Fires with the body once it is complete.  Fails with TooLong where it exceeds `most` bytes, and
    with what broke the connection; cancelling it hangs up.
    """
    reader = _BodyReader(most)
    response.deliverBody(reader)
    return reader.done


def read_beginning(response: IResponse, most: int) -> Deferred[bytes]:
    """
    Fires with up to `most` bytes of the body, also where it is longer, cut, or cancelled.
    """
    reader = _BodyReader(most)
    response.deliverBody(reader)
    return reader.done.addErrback(lambda _: reader.so_far())


def abandon(response: IResponse) -> None:
    """Hang up on an answer whose body nobody wants: unread, it would stay open for ever."""
    read_beginning(response, 0).cancel()


def break_off(transport: ITransport | None) -> None:
    """
    End the connection under a response's body, now.

    Not by loseConnection(): a silent TLS peer never answers its goodbye (observed).
    """
    if transport is not None:
        cast(IPushProducer, transport).stopProducing()


class _BodyReader(Protocol):
    def __init__(self, most: int) -> None:
        self._room = most
        self._parts: list[bytes] = []
        self.done: Deferred[bytes] = Deferred(lambda _: self._hang_up())

    def so_far(self) -> bytes:
        return b"".join(self._parts)

    def dataReceived(self, data: bytes) -> None:
        self._parts.append(data[: self._room])
        self._room -= len(data)
        if self._room < 0:
            self._room = 0
            # First, because hanging up may report the end of the body in the act.
            self._fail(Failure(TooLong("the body is too long")))
            self._hang_up()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        # A body that ends with the connection may have been cut: its reader finds out by parsing.
        if not reason.check(ResponseDone, PotentialDataLoss):
            self._fail(reason)
        elif not self.done.called:
            self.done.callback(self.so_far())

    def _fail(self, reason: Failure) -> None:
        if not self.done.called:
            self.done.errback(reason)

    def _hang_up(self) -> None:
        break_off(self.transport)
