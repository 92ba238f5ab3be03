"""
A capture server's end of the real-time channel in memory, which says and does what the test wants.

Its bytes are those of a WebSocket, by the library's other side.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from tcclient.control.reports import Held
from tcclient.push.messages import (
    PROTOCOL,
    SUBPROTOCOL,
    Beat,
    ClientMessage,
    Hello,
    ServerMessage,
    Welcome,
    from_client,
    written,
)
from tcclient.push.owner import SocketOwner
from tcclient.push.socket import PushSocket

URL = "ws://server.example/ws/client/"
HEADERS = {"Authorization": "Token s3cret", "User-Agent": "tcc/test"}


class PeerConnection:
    """One connection, and the transport of the client's socket, which hears the server at once."""

    def __init__(self, peer: "PushPeer", socket: PushSocket) -> None:
        self._peer = peer
        self._socket = socket
        self._protocol = ServerProtocol(subprotocols=peer.subprotocols)
        self.request: Request | None = None
        self.heard: list[ClientMessage] = []
        self.pings = 0
        self.producer: Any = None
        self.is_lost = False

    # What the client's socket does.

    def write(self, data: bytes) -> None:
        """Take bytes of the client."""
        if self.is_lost or self._peer.is_deaf:
            return
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self.request = event
                self._peer.clock.callLater(0, self._answer)
            elif isinstance(event, Frame):
                self._take(event)
        self.flush()

    def loseConnection(self) -> None:
        """End the connection."""
        self.lose(ConnectionDone())

    def abortConnection(self) -> None:
        """Break the connection off."""
        self.lose(ConnectionAborted())

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Know who is told that the server does not read."""
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Know that nobody is."""
        self.producer = None

    # What the server does.

    @property
    def is_open(self) -> bool:
        """Whether there is somebody to hear."""
        return not self.is_lost and self._protocol.state.name == "OPEN"

    def says(self, message: ServerMessage) -> None:
        """Say something."""
        self.says_text(written(message))

    def says_text(self, text: bytes) -> None:
        """Say something that may be no message."""
        self._protocol.send_text(text)
        self.flush()

    def closes(self, code: int) -> None:
        """Close the socket."""
        self._protocol.send_close(code)
        self.flush()
        self.lose(ConnectionDone())

    def lose(self, why: Exception) -> None:
        """Have the connection gone, a moment later."""
        if not self.is_lost:
            self.is_lost = True
            self._peer.is_over()
            self._peer.clock.callLater(0, self._socket.connectionLost, Failure(why))

    def flush(self) -> None:
        """Have the client hear what is to be sent."""
        said = self._protocol.data_to_send()
        if any(said) and not self.is_lost:
            self._socket.dataReceived(b"".join(said))  # as TCP does
        if b"" in said:
            self.loseConnection()

    def _answer(self) -> None:
        if self._peer.is_mute:
            return
        assert self.request is not None
        if self._peer.status != 101:
            response = self._protocol.reject(self._peer.status, "no\n")
        else:
            response = self._protocol.accept(self.request)
        self._protocol.send_response(response)
        if self._peer.closes_with is not None:
            self._protocol.send_close(self._peer.closes_with)
        self.flush()

    def _take(self, frame: Frame) -> None:
        if frame.opcode.name == "PING":
            self.pings += 1
        elif frame.opcode.name == "TEXT":
            message = from_client(bytes(frame.data))
            assert message is not None
            self.heard.append(message)
            self._peer.takes(self, message)
            if isinstance(message, Hello) and self._peer.welcome is not None:
                self._peer.clock.callLater(0, self.says, self._peer.welcome)


class PushPeer:
    """
    Where a client connects to, as often as it likes.  `status` answers its handshake, `welcome` its
    hello, and `takes` is called with what it says; a peer that `is_mute` answers no handshake, and
    one that `is_deaf` hears nothing.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.is_there = True
        self.is_mute = self.is_deaf = False
        self.status = 101
        self.closes_with: int | None = None  # at once, together with the answer
        self.subprotocols: list[Subprotocol] | None = [Subprotocol(SUBPROTOCOL)]
        self.welcome: Welcome | None = Welcome(PROTOCOL, "session", 1.0, 0.0, "server")
        self.takes: Callable[[PeerConnection, ClientMessage], object] = lambda *_: None
        self.attempts: list[float] = []
        self._over = 0, 0.0
        self.connections: list[PeerConnection] = []

    @property
    def line(self) -> PeerConnection:
        """The newest connection."""
        return self.connections[-1]

    def of(self, kind: type[Any]) -> list[Any]:
        """Return what the client has said so far of one type."""
        return [one for line in self.connections for one in line.heard if isinstance(one, kind)]

    def welcomes(self, **otherwise: Any) -> None:
        """Welcome the next one otherwise."""
        how = {"every": 1.0, "spread": 0.0, "server": "server", "protocol": PROTOCOL}
        held = tuple(Held(ledger=name, held=n) for name, n in otherwise.pop("held", {}).items())
        self.welcome = Welcome(session="session", ledgers=held, **{**how, **otherwise})

    def lives(self, seconds: float) -> None:
        """Beat, and let time pass."""
        while seconds > 0:
            self.beats()
            step = min(seconds, 15.0)
            self.clock.pump([step / 15] * 15)
            seconds -= step

    def beats(self) -> None:
        """Beat, where a client is connected."""
        if self.connections and self.line.is_open:
            self.line.says(Beat())

    def is_over(self) -> None:
        """Note that the newest attempt is over."""
        self._over = len(self.attempts), self.clock.seconds()

    def waited(self) -> float:
        """Let time pass until the next attempt; return the seconds from the end of the last one."""
        attempts, over = self._over
        for _ in range(500_000):
            if len(self.attempts) > attempts:
                break
            self.clock.advance(0.25)
        return self.attempts[attempts] - over

    def connect(self, owner: SocketOwner) -> Deferred[PushSocket]:
        """Return a connection a moment later, as a client's endpoint does."""
        self.attempts.append(self.clock.seconds())
        if not self.is_there:
            self.is_over()
            return fail(ConnectionRefusedError())
        socket = PushSocket(URL, HEADERS, owner, self.clock)
        connection = PeerConnection(self, socket)
        done: Deferred[PushSocket] = Deferred()

        def connected() -> None:
            self.connections.append(connection)
            socket.makeConnection(connection)  # type: ignore[arg-type]  # as far as it is used
            done.callback(socket)

        call = self.clock.callLater(0, connected)
        done._canceller = lambda _: call.cancel()
        return done
