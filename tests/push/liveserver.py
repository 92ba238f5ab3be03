"""
A capture server's end of the real-time channel on real sockets, by another library than the
client's, and one that says whatever bytes a test has.
"""

from collections.abc import Sequence

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from websockets.utils import accept_key

from tcclient.push.channel import PushChannel
from tcclient.push.connecting import make_channel
from tcclient.push.messages import (
    PROTOCOL,
    SUBPROTOCOL,
    ClientMessage,
    HeldMessage,
    Hello,
    LedgerMessage,
    ServerMessage,
    Welcome,
    from_client,
    written,
)
from tcclient.runtime.secrets import Secret
from tests.push.test_channel import Listener

WELCOME = written(Welcome(PROTOCOL, "session", 1.0, 0.0, "server"))


class LiveProtocol(WebSocketServerProtocol):  # type: ignore[misc]  # not annotated
    """Welcomes, and acknowledges ledgers."""

    factory: "LiveServer"

    def onConnect(self, request: object) -> str:
        """Take the client."""
        self.factory.requests.append(request)
        self.factory.lines.append(self)
        return SUBPROTOCOL

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Hear a message."""
        message = from_client(payload)
        assert message is not None and not isBinary
        self.factory.heard.append(message)
        if isinstance(message, Hello):
            self.sendMessage(WELCOME)
        elif isinstance(message, LedgerMessage):
            self.say(HeldMessage(message.ledger, message.offset + len(message.data)))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Note how it has ended."""
        self.factory.codes.append(code)

    def say(self, message: ServerMessage) -> None:
        """Say something."""
        self.sendMessage(written(message))


class LiveServer(WebSocketServerFactory):  # type: ignore[misc]  # not annotated
    """Where clients connect to."""

    noisy = False
    protocol = LiveProtocol

    def __init__(self) -> None:
        super().__init__(protocols=[SUBPROTOCOL])
        self.requests: list[object] = []
        self.lines: list[LiveProtocol] = []
        self.heard: list[ClientMessage] = []
        self.codes: list[int | None] = []


class HostileProtocol(Protocol):
    """Answers the handshake as it should be, and says some bytes then."""

    factory: "HostileServer"
    _asked = b""
    _saying: IDelayedCall | None = None

    def dataReceived(self, data: bytes) -> None:
        """Answer; say the rest once the client has said something more, if it is to."""
        if b"\r\n\r\n" in self._asked:
            self._say_all()
            return
        self._asked += data
        if b"\r\n\r\n" in self._asked:
            head = self._asked.decode("ascii").split("\r\n")
            [key] = [line[19:] for line in head if line.startswith("Sec-WebSocket-Key: ")]
            self.transport.write(self.factory.answer.replace(b"KEY", accept_key(key).encode()))
            if self.factory.answer != HostileServer.GOOD:
                self._say_all()

    def _say_all(self) -> None:
        if self._saying is None:
            self._saying = reactor.callLater(0, self._say, list(self.factory.pieces))

    def _say(self, pieces: list[bytes]) -> None:
        if pieces and self.connected:
            self.transport.write(pieces.pop(0))
            self._saying = reactor.callLater(0, self._say, pieces)
        elif self.connected:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the test."""
        if self._saying is not None and self._saying.active():
            self._saying.cancel()
        self.factory.gone.callback(None)


class HostileServer(Factory):
    """Where one client connects to; it hears the `answer` to its handshake, then these `pieces`."""

    noisy = False
    protocol = HostileProtocol

    GOOD = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: KEY\r\nSec-WebSocket-Protocol: tcc.1\r\n\r\n"
    )

    def __init__(self, pieces: Sequence[bytes], answer: bytes = GOOD) -> None:
        self.pieces = pieces
        self.answer = answer
        self.gone: Deferred[None] = Deferred()
        self._is_met = False

    def buildProtocol(self, addr: object) -> Protocol | None:
        """Take the first connection, and hang up on all others."""
        if self._is_met:
            return None
        self._is_met = True
        return super().buildProtocol(addr)  # type: ignore[arg-type]  # which is not looked at


def client_of(test: TestCase, url: str) -> tuple[PushChannel, Listener]:
    """Return a channel to an address, which ends with the test, and what it has told."""
    channel, user = make_channel(reactor, url, Secret("s3cret"), "tcc/test"), Listener()
    channel.begin(user)
    channel.startService()  # type: ignore[no-untyped-call]
    channel.polled()
    test.addCleanup(lambda: channel.stopService() if channel.running else None)
    return channel, user
