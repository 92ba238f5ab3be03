"""
What the bytes of a WebSocket say, in pieces of bounded work.  Knows RFC 6455 by a library; knows no
socket, and no message but by its size.

A server that floods is given up: the reactor belongs to the captures.
"""

import logging
from collections.abc import Iterator, Mapping

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from tcclient.push.messages import MOST_OF_A_SERVER, SUBPROTOCOL
from tcclient.runtime.failures import one_line

_SLICE = 1 << 10
"""Bytes that are taken apart at once: some hundred frames at most."""
MOST_AT_ONCE, MOST_A_SECOND = 4000, 100
"""
Frames that may come at once, and each second in the long run: a server has a hint for each of 1,000
captures, an acknowledgement of each piece of a ledger, and pings.
"""

# The library's own logger would be asked whether it is to log the head with the token.
_SILENT = logging.Logger("websockets of tcc", logging.CRITICAL + 1)


class Flood(Exception):
    """Raised where more comes than a server has to say."""


class Handshake:
    """A handshake that was answered, with the `status` of HTTP; 101 is success."""

    def __init__(self, response: Response) -> None:
        self.status = response.status_code
        self.retry_after = response.headers.get("Retry-After")


class Frames:
    """Both directions of one WebSocket; `now` is in seconds."""

    def __init__(self, url: str, headers: Mapping[str, str], now: float) -> None:
        self._protocol = ClientProtocol(
            parse_uri(url),
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            max_size=MOST_OF_A_SERVER,
            logger=_SILENT,
        )
        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._parts: list[bytes] = []
        self._left: float = MOST_AT_ONCE
        self._then = now

    def received(self, data: bytes, now: float) -> Iterator[Handshake | bytes]:
        """
        Yield what is in the bytes that have come: the answer to the handshake, then whole messages.
        Raises Flood.
        """
        self._left = min(MOST_AT_ONCE, self._left + (now - self._then) * MOST_A_SECOND)
        self._then = now
        for begin in range(0, len(data), _SLICE):
            self._protocol.receive_data(data[begin : begin + _SLICE])
            for event in self._protocol.events_received():
                if isinstance(event, Response):
                    yield Handshake(event)
                elif isinstance(event, Frame):
                    yield from self._of_frame(event)

    def _of_frame(self, frame: Frame) -> Iterator[bytes]:
        self._left -= 1
        if self._left < 0:
            raise Flood
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._parts.append(bytes(frame.data))
            if frame.fin:
                message, self._parts = b"".join(self._parts), []
                yield message

    def send(self, message: bytes) -> None:
        """Have a message sent, unless the socket is being closed."""
        if self.is_open:
            self._protocol.send_text(message)

    def ping(self) -> None:
        """Have a ping sent, as often as proxies want to see something."""
        if self.is_open:
            self._protocol.send_ping(b"")

    def close(self, code: int) -> None:
        """Have the socket closed, in the way of the protocol."""
        if self.is_open:
            self._protocol.send_close(code)

    def to_send(self) -> list[bytes]:
        """Return what is to be written; an empty piece ends the direction."""
        return self._protocol.data_to_send()

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._protocol.state.name == "OPEN"

    @property
    def is_closing(self) -> bool:
        """Whether nothing is waited for but the end of the connection."""
        return self._protocol.close_expected()

    @property
    def has_subprotocol(self) -> bool:
        """Whether the server has agreed to speak this protocol."""
        return self._protocol.subprotocol == SUBPROTOCOL

    @property
    def code(self) -> int | None:
        """The code that the server has closed with, None if it has not."""
        closed = self._protocol.close_rcvd
        return None if closed is None else int(closed.code)

    @property
    def fault(self) -> str:
        """What was wrong with what the server sent, in a clause; empty if nothing was."""
        protocol = self._protocol
        if protocol.handshake_exc is not None:
            refused = isinstance(protocol.handshake_exc, InvalidStatus)
            return "" if refused else "the answer to the handshake is none of a WebSocket's"
        if protocol.parser_exc is None:
            return ""
        return f"it sent what is no frame: {one_line(str(protocol.parser_exc))[:100]}"
