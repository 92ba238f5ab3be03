"""
The body of one stream: cuts it into messages, notices silence, and knows why it ended.

Knows transports and time; does not know what a message means, nor what happens after the end.
"""

from collections.abc import Callable
from typing import cast

from msgspec import Struct
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IPushProducer,
    IReactorTime,
    ITransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.components import proxyForInterface
from twisted.python.failure import Failure
from twisted.web.iweb import IResponse

from tcclient.http.bodies import break_off
from tcclient.http.gunzip import Gunzip
from tcclient.ledger.endings import Ending
from tcclient.ledger.gaps import SLEEP
from tcclient.runtime.producers import Pausable
from tcclient.stream.fastpath.chunks import Pieces
from tcclient.stream.fastpath.inbox import SHORT
from tcclient.stream.fastpath.shortcut import PieceReader
from tcclient.stream.standstill import REST_OF_IT, Standstill
from tcclient.stream.streamapi import StreamListener
from tcclient.stream.unpacking import Unpacking
from tcclient.stream.valve import Valve


class Timing(Struct, frozen=True):
    """How long things may take, in seconds."""

    answer: float = 60.0
    """The longest from an attempt to the answer's headers: name, TCP, TLS, the server's work."""
    explanation: float = 10.0
    """The longest that is spent on reading the body of a refusal."""
    proof: float = 10.0
    """A connection over which a byte comes after this time is a good one: it has lasted."""
    drain: float = 1.0
    """The longest that is spent on reading what has arrived, before hanging up."""
    goodbye: float = 5.0
    """How long a transport has to report that it is gone."""
    rest: float = 0.0
    """The pause between short reads that follow each other sooner; 0: read all as it comes."""
    still: float = 0.0
    """How long the process may stand still before what it reads next is old; 0: for ever."""


_NOTHING = Pieces(b"", [])
"""What goes on with what was read before."""


class Connection(Protocol, PieceReader, Pausable):
    """
    The protocol of a body.  It stands in front of another protocol, which hears of the beginning
    and the end, and never gets a byte.

    `listener` hears what comes over it; `proved` is called when it has lasted for Timing.proof, and
    `good` is whether it has.  `ending` says why the connection ended, where that is known better
    than by the transport's reason.
    """

    def __init__(
        self,
        listener: StreamListener,
        proved: Callable[[], object],
        decoder: Gunzip | None,
        stall_timeout: float,
        clock: IReactorTime,
        timing: Timing,
    ) -> None:
        self._listener = listener
        self._proved = proved
        self._stall_timeout = stall_timeout
        self._clock = clock
        self._timing = timing
        self._unpacking = Unpacking(decoder, clock)
        self._lost: Failure | None = None  # until all that was read has been passed on
        self._reader: IProtocol | None = None
        self._calls: dict[str, IDelayedCall] = {}
        self._reads = 0
        self._slept = self._begun_at = 0.0
        self._valve = Valve(timing.rest, clock)
        self._standstill = Standstill(timing.still, clock)
        self._caught_up_at: float | None = None
        self.ending: Ending | None = None
        self.good = False

    @property
    def incomplete(self) -> int:
        """Bytes that have come of a message that has not ended."""
        return self._unpacking.incomplete

    @property
    def is_heard(self) -> bool:
        """Whether a byte has come, and another may."""
        return self._reads > 0 and "goodbye" not in self._calls

    @property
    def silent(self) -> float:
        """
        Seconds since the last byte, or the answer's headers if none has come; since the first of
        a message that has not ended.  Bytes read right after this process stood still are not new,
        nor those of a read that may have left some: while another one is to come, all is read that
        came until the last short one, or REST_OF_IT before.
        """
        now = self._clock.seconds()
        may_wait = self._reads > 0 and self._caught_up_at is None and self._reader is not None
        waiting = min(now - self._emptied_at, now - self._heard + REST_OF_IT) if may_wait else 0.0
        part = now - (self._begun_at if self.incomplete else self._heard)
        return self._slept + max(0.0, part, waiting, self._standstill.age)

    @property
    def has_caught_up(self) -> bool:
        """Whether all that waited here or on the other side seems to have been read."""
        at = self._caught_up_at
        return at is not None and self._clock.seconds() - at >= REST_OF_IT

    def in_front_of(self, reader: IProtocol) -> "Connection":
        """Let `reader` hear of the beginning and the end.  Return this connection."""
        self._reader = reader
        return self

    def makeConnection(self, transport: ITransport) -> None:
        self._began = self._heard = self._awake = self._emptied_at = self._clock.seconds()
        self._watch_silence(self._stall_timeout)
        self._standstill.begin()
        super().makeConnection(transport)  # type: ignore[no-untyped-call]  # not annotated
        if self._reader is not None:
            self._reader.makeConnection(transport)
        self._valve.connect(cast(IPushProducer, transport))
        self._listener.opened()

    def dataReceived(self, data: bytes) -> None:
        self.piecesReceived(Pieces(data, [(0, len(data))], is_all=len(data) < SHORT))

    def piecesReceived(self, pieces: Pieces) -> None:
        """Take what one read has brought of the body: any number of messages and parts of them."""
        if self._reader is None:
            return  # the end of the connection has been told
        first, begins = not self._reads, not self.incomplete
        try:
            if pieces is not _NOTHING:
                self._note_read(len(pieces.read), is_all=pieces.is_all)
            self._begun_at = self._heard if begins else self._begun_at
            for messages in self._unpacking.take(pieces):
                self._begun_at = self._heard  # of what comes behind them
                self._listener.received(messages)
            if first and self.ending is None and self._reader is not None:
                self._listener.heard()
        except Exception:
            self.end(self._unpacking.give_up(Failure()))
        self._valve.hold(self._unpacking.is_busy)
        if self._unpacking.is_busy:
            self._unpacking.plan(lambda: self.piecesReceived(_NOTHING))
        elif self._lost is not None:
            self.connectionLost(self._lost)

    def pauseProducing(self) -> None:
        """
        Read nothing until resumeProducing() is called.  Silence does not count meanwhile.  What has
        been read already is still passed on.
        """
        self._valve.pauseProducing()

    def resumeProducing(self) -> None:
        """Read on; silence counts from now."""
        if self._valve.is_paused:
            self._awake = self._caught_up_at = self._clock.seconds()
        self._valve.resumeProducing()

    def slept(self, seconds: float) -> None:
        """Note that the machine slept, which counts as silence, and may make it too long."""
        self._slept += seconds
        watching = self._calls.get("silence")
        if watching is not None and watching.active():
            watching.cancel()
            self._check_silence()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._valve.disconnect()
        if self._unpacking.is_busy:
            self._lost = reason
            return
        reader, self._reader = self._reader, None
        self._standstill.end()
        for call in self._calls.values():
            if call.active():
                call.cancel()
        self._calls.clear()
        if reader is not None:
            reader.connectionLost(reason)

    def end(self, ending: Ending) -> None:
        """Hang up because of `ending`; of several reasons the first one counts."""
        self.ending = self.ending or ending
        self.hang_up()

    def hang_up(self) -> None:
        """End the connection, which counts as lost after Timing.goodbye at the latest."""
        if self._reader is None or self._lost is not None or "goodbye" in self._calls:
            return
        self._calls["goodbye"] = self._clock.callLater(
            self._timing.goodbye, lambda: self.connectionLost(Failure(ConnectionAborted()))
        )
        break_off(self.transport)

    async def drain(self) -> None:
        """Read on until the socket has nothing more, for Timing.drain at the longest."""
        deadline = self._clock.seconds() + self._timing.drain
        quiet = 0
        with self._valve.hurried():
            # Two turns of the reactor: the first may have begun after our socket was looked at.
            while quiet < 2 and self._reader is not None and self._clock.seconds() < deadline:
                before = self._reads
                await deferLater(self._clock, 0)
                is_idle = self._reads == before and not self._unpacking.is_busy
                quiet = quiet + 1 if is_idle else 0

    def _note_read(self, size: int, *, is_all: bool) -> None:
        """Note that so many bytes have been read now, and what that says of the connection."""
        self._standstill.read(is_all=is_all)
        before, self._heard = self._heard, self._clock.seconds()
        self._reads += 1
        self._slept = 0.0
        self._valve.has_read(size, self._heard - before, is_all=is_all)
        if is_all:
            self._emptied_at = self._heard
        self._caught_up_at = (self._caught_up_at or self._heard) if is_all else None
        if not self.good and self._heard - self._began >= self._timing.proof:
            self.good = True
            self._proved()

    def _watch_silence(self, seconds: float) -> None:
        """Have the silence checked in `seconds`."""
        self._check_due = self._clock.seconds() + seconds
        self._calls["silence"] = self._clock.callLater(seconds, self._check_silence)

    def _check_silence(self) -> None:
        """End a connection that has been silent too long; a pause does not count, a sleep does."""
        listening = self._clock.seconds() - max(self._heard, self._awake)
        idle = self._slept + (0.0 if self._valve.is_paused else max(0.0, listening))
        if idle < self._stall_timeout:
            self._watch_silence(self._stall_timeout - idle)
        elif 0 < self._timing.still < self._clock.seconds() - self._check_due:
            self._watch_silence(REST_OF_IT)  # this process stood still: bytes may wait to be read
        elif self._slept:
            self.end(Ending(SLEEP, f"no byte came for {idle:.0f} s, as this machine slept"))
        else:
            self.end(Ending("stall", f"no byte came for {self._stall_timeout:g} s"))


class Tapped(proxyForInterface(IResponse)):  # type: ignore[misc]  # made at run time
    """An answer whose body goes to a Connection, in front of the protocol that asks for it."""

    def __init__(
        self, response: IResponse, take: Callable[[Connection], None], connection: Connection
    ) -> None:
        super().__init__(response)
        self._take = take
        self._connection = connection

    def deliverBody(self, protocol: IProtocol) -> None:
        self._take(self._connection)
        self.original.deliverBody(self._connection.in_front_of(protocol))
