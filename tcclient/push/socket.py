"""
One WebSocket to the capture server, from the connection to its end.

Knows when a peer is given up; does not know what messages mean, nor when another one is made.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec import structs
from twisted.internet import protocol
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from tcclient.control.answers import seconds_of
from tcclient.control.realtime import NotCarried
from tcclient.push.frames import Flood, Frames, Handshake
from tcclient.push.messages import (
    BEAT,
    MOST_OF_A_CLIENT,
    SILENCE,
    WRONG_PROTOCOL,
    Beat,
    Bye,
    ClientMessage,
    NoMessage,
    from_server,
    written,
)
from tcclient.push.owner import OneSocket, SocketOwner
from tcclient.push.retrying import ABNORMAL, ChannelEnding, reason_of
from tcclient.runtime.failures import explain
from tcclient.runtime.timers import Timers

OPENING = 30.0
"""Seconds from the connection to the end of the handshake."""
CLOSING = 2.0
"""Seconds in which a connection ends that is being closed."""


@implementer(IPushProducer)
class PushSocket(protocol.Protocol, OneSocket):
    """Asks for `url` with these `headers`; the `owner` hears of what comes."""

    def __init__(
        self, url: str, headers: Mapping[str, str], owner: SocketOwner, clock: IReactorTime
    ) -> None:
        self._owner = owner
        self._clock = clock
        self._timers = Timers(clock)
        self._new_frames: Callable[[float], Frames] = partial(Frames, url, headers)
        self._ending: ChannelEnding | None = None
        self._retry_after = 0.0
        self._given_up = self._paused = self._has_opened = False

    def connectionMade(self) -> None:
        transport: Any = self.transport
        self._frames = self._new_frames(self._clock.seconds())
        transport.registerProducer(self, True)
        self._timers.start("answer", OPENING, self._no_answer)
        self._write()

    def dataReceived(self, data: bytes) -> None:
        if self._given_up:
            return
        try:
            for event in self._frames.received(data, self._clock.seconds()):
                if isinstance(event, Handshake):
                    self._shaken(event)
                else:
                    self._take(event)
                if self._given_up:
                    return
        except Flood:
            self.give_up("it sends more than a server has to say")
            return
        self._write()
        if self._frames.is_closing:
            self._timers.start("closing", CLOSING, partial(self.give_up, "it was not closed"))

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        self._timers.stop("answer", "ping", "silence", "paused", "closing")
        code, fault = self._frames.code, self._frames.fault
        if self._ending is not None:
            ending = self._ending
        elif code is not None:
            ending = ChannelEnding(reason_of(code), code)
        else:
            ending = ChannelEnding(fault or explain(reason))
        self._given_up = True
        after = max(ending.retry_after, self._retry_after)
        self._owner.ended(structs.replace(ending, retry_after=after))

    def send(self, message: ClientMessage) -> bool:
        data = written(message)
        if len(data) > MOST_OF_A_CLIENT:
            raise NotCarried
        if self._paused or not self._frames.is_open:
            return False
        self._frames.send(data)
        self._write()
        return True

    def close(self) -> None:
        if not self._frames.is_open:
            self.give_up("this client ends")
        elif not self._given_up:
            self._frames.close(1000)
            self._write()
            self._timers.start("closing", CLOSING, partial(self.give_up, "it was not closed"))

    def give_up(self, reason: str, code: int = ABNORMAL) -> None:
        if not self._given_up:
            self._given_up = True
            if self._ending is None:
                self._ending = ChannelEnding(reason, code)
            transport: Any = self.transport
            transport.abortConnection()

    def pauseProducing(self) -> None:
        """The server does not read.  It has a while for that."""
        self._paused = True
        self._timers.start("paused", SILENCE, partial(self.give_up, "it does not read"))

    def resumeProducing(self) -> None:
        """The server reads again."""
        self._paused = False
        self._timers.stop("paused")
        self._owner.writable()

    def stopProducing(self) -> None:
        """The connection is gone, of which connectionLost() tells."""

    def _shaken(self, handshake: Handshake) -> None:
        if handshake.status != 101:
            after = seconds_of(handshake.retry_after)
            reason = f"the answer to the handshake has status {handshake.status}"
            self._ending = ChannelEnding(reason, status=handshake.status, retry_after=after or 0.0)
        elif not self._frames.has_subprotocol:
            self.give_up("the server speaks another protocol there", WRONG_PROTOCOL)
        elif self._frames.is_open:  # or it was closed with a code, which may have come together
            self._has_opened = True
            self._timers.stop("answer")
            self._timers.start("ping", BEAT, self._ping)
            self._timers.start("silence", SILENCE, self._silent)
            self._owner.opened()

    def _take(self, frame: bytes) -> None:
        if not self._has_opened:
            return
        try:
            message = from_server(frame)
        except NoMessage:
            self.give_up("it sent what is no message of this protocol")
            return
        if isinstance(message, Beat):
            self._timers.stop("silence")
            self._timers.start("silence", SILENCE, self._silent)
        elif isinstance(message, Bye):
            self._retry_after = message.retry_after
        elif message is not None:
            self._owner.heard(message)

    def _ping(self) -> None:
        self._frames.ping()
        self._write()
        self._timers.start("ping", BEAT, self._ping)

    def _silent(self) -> None:
        self.give_up(f"there was no sign of life for {SILENCE:g} s")

    def _no_answer(self) -> None:
        self.give_up("there was no answer to the handshake in time")

    def _write(self) -> None:
        transport: Any = self.transport
        for data in self._frames.to_send():
            if data:
                transport.write(data)
            else:
                transport.unregisterProducer()  # TLS would wait for that
                transport.loseConnection()
