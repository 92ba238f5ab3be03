"""
The body of one stream: takes its bytes apart, notices silence, and knows why it ended.

Knows transports and time; not what a message means, nor what happens after the end.
"""

import zlib
from typing import Protocol as TypingProtocol
from typing import cast

import attrs
import msgspec
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
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient.http.bodies import break_off
from tcclient.ledger.entries import Disconnected, Ended, NotConnected
from tcclient.runtime.backoff import Trouble
from tcclient.stream.chunks import Pieces
from tcclient.stream.gunzip import Gunzip
from tcclient.stream.messages import Overlong, Splitter
from tcclient.stream.standstill import REST_OF_IT, Standstill
from tcclient.stream.streamapi import Refusal
from tcclient.stream.valve import SHORT, Valve

log = Logger()


@attrs.frozen
class Timing:
    """Seconds."""

    answer: float = 60.0
    """From an attempt to the answer's headers: name, TCP, TLS and the other side's thinking."""
    explanation: float = 10.0
    """For the body of a refusal."""
    proof: float = 10.0
    """A connection on which a byte came after this long was a good one."""
    drain: float = 1.0
    """The most that is spent on reading what had arrived before hanging up."""
    goodbye: float = 5.0
    """For a transport to report that it is gone."""
    rest: float = 0.0
    """Between short reads that follow each other sooner; 0 reads whatever comes as it comes."""
    still: float = 0.0
    """Without a turn of this process: what is read then had been waiting; 0: nobody looks."""


@attrs.frozen
class Ending:
    """
    Why there is no stream.  `cause` is a word for the ledger, `detail` a clause for people.

    `trouble` is the ramp that the next wait is from, None after a good connection; `wait` the
    seconds to the next attempt, None where there will be none.  `status` and `refusal` say how an
    attempt was refused; `incomplete` has the bytes of a message that was cut, `silent` the seconds
    since the last byte; `unread`: the disk took no posts, and what came was not read.
    """

    cause: str
    detail: str
    trouble: Trouble | None = None
    wait: float | None = None
    status: int | None = None
    refusal: Refusal | None = None
    incomplete: int = 0
    silent: float = 0.0
    unread: bool = False

    @property
    def was_connected(self) -> bool:
        """Whether this ended a connection, not an attempt to make one."""
        return self.cause not in ("unreachable", "refused")

    def for_ledger(self) -> Ended:
        """The line about it."""
        line = Disconnected if self.was_connected else NotConnected
        entry = line(
            cause=self.cause,
            detail=self.detail,
            trouble=self.trouble.value if self.trouble else None,
            wait=self.wait,
            status=self.status,
            explanation=self.refusal.explanation or None if self.refusal else None,
            incomplete=self.incomplete or None,
        )
        if isinstance(entry, Disconnected):
            return msgspec.structs.replace(entry, silent=round(self.silent, 3))
        return entry


class Owner(TypingProtocol):
    """Who a connection belongs to."""

    def began(self) -> None:
        """The body begins."""

    def heard(self) -> None:
        """The first byte has come, and what came with it has been received; it goes on."""

    def proved(self) -> None:
        """The connection has lasted."""

    def received(self, messages: list[bytes | Overlong]) -> None:
        """Complete messages, in order."""


class Connection(Protocol):
    """
    Stands in front of `reader`, which learns of beginning and end, and never gets a byte.

    `ending` says why it ended, where that is known better than by the transport's reason.
    Reading stops while anybody holds it: the other side then sees that nothing is taken from it.
    """

    def __init__(
        self,
        owner: Owner,
        decoder: Gunzip | None,
        stall_timeout: float,
        clock: IReactorTime,
        timing: Timing,
    ) -> None:
        self._owner = owner
        self._decoder = decoder
        self._stall_timeout = stall_timeout
        self._clock = clock
        self._timing = timing
        self._splitter = Splitter()
        self._reader: IProtocol | None = None
        self._calls: dict[str, IDelayedCall] = {}
        self._reads = 0
        self._valve = Valve(timing.rest, clock)
        self._standstill = Standstill(timing.still, clock)
        self._caught_up_at: float | None = None
        self.ending: Ending | None = None
        self.good = False

    @property
    def incomplete(self) -> int:
        """Bytes of a message that has not ended."""
        return self._splitter.incomplete

    @property
    def is_heard(self) -> bool:
        """Whether a byte has come, and another may."""
        return self._reads > 0 and "goodbye" not in self._calls

    @property
    def silent(self) -> float:
        """
        Seconds since the last byte, or since the answer's headers where none has come.  What is
        read at first after this process stood still says nothing of the time since.
        """
        return max(0.0, self._clock.seconds() - self._heard, self._standstill.age)

    @property
    def has_caught_up(self) -> bool:
        """Whether all has been read that waited here or on the other side, as far as is seen."""
        at = self._caught_up_at
        return at is not None and self._clock.seconds() - at >= REST_OF_IT

    def in_front_of(self, reader: IProtocol) -> "Connection":
        """This connection, once it knows whom to tell of its beginning and end."""
        self._reader = reader
        return self

    def makeConnection(self, transport: ITransport) -> None:
        self._began = self._heard = self._awake = self._clock.seconds()
        self._watch_silence(self._stall_timeout)
        self._standstill.begin()
        super().makeConnection(transport)  # type: ignore[no-untyped-call]  # not annotated
        if self._reader is not None:
            self._reader.makeConnection(transport)
        self._valve.connect(cast(IPushProducer, transport))
        self._owner.began()

    def dataReceived(self, data: bytes) -> None:
        self.piecesReceived(Pieces(data, [(0, len(data))]))

    def piecesReceived(self, pieces: Pieces) -> None:
        """As PieceReader."""
        if self._reader is None:
            return  # the owner has been told that nothing more comes
        try:
            self._receive(pieces)
        except zlib.error as e:
            self.end(Ending("corrupt", f"the compressed stream is corrupt: {e}"))
        except Exception:
            # Who calls would drop the connection, or take it for an answer that cannot be read, and
            # the account would not know why.
            log.failure("This client failed at what the stream brought.")
            self.end(Ending("failed", "this client failed at what came", Trouble.HTTP))

    def hold(self, reason: str) -> None:
        """
        Read nothing until release() with this reason, and every other one.  What has been read
        already still comes; silence does not count meanwhile.
        """
        self._valve.hold(reason)

    def release(self, reason: str) -> None:
        """The reason no longer holds; one that did not is no error."""
        if self._valve.is_held:
            self._awake = self._clock.seconds()
            self._caught_up_at = self._awake
        self._valve.release(reason)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        reader, self._reader = self._reader, None
        self._valve.disconnect()
        self._standstill.end()
        for call in self._calls.values():
            if call.active():
                call.cancel()
        self._calls.clear()
        if reader is not None:
            reader.connectionLost(reason)

    def end(self, ending: Ending) -> None:
        """Hang up because of `ending`; the first one given counts."""
        self.ending = self.ending or ending
        self.hang_up()

    def hang_up(self) -> None:
        """End the connection; should the transport not say so in time, go on without it."""
        if self._reader is None or "goodbye" in self._calls:
            return
        self._calls["goodbye"] = self._clock.callLater(
            self._timing.goodbye, lambda: self.connectionLost(Failure(ConnectionAborted()))
        )
        break_off(self.transport)

    async def drain(self) -> None:
        """Read on until the socket has nothing more, within bounds."""
        deadline = self._clock.seconds() + self._timing.drain
        quiet = 0
        with self._valve.hurried():
            # Two passes of the reactor: the first may have begun behind our socket's turn.
            while quiet < 2 and self._reader is not None and self._clock.seconds() < deadline:
                before = self._reads
                await deferLater(self._clock, 0)
                quiet = quiet + 1 if self._reads == before else 0

    def _receive(self, pieces: Pieces) -> None:
        self._standstill.beat()
        before, self._heard = self._heard, self._clock.seconds()
        self._reads += 1
        size, first = pieces.size, self._reads == 1
        self._valve.has_read(size, self._heard - before)
        self._see_what_waits(size)
        if not self.good and self._heard - self._began >= self._timing.proof:
            self.good = True
            self._owner.proved()
        self._take_apart(pieces)
        if first and self.ending is None and self._reader is not None:
            self._owner.heard()

    def _see_what_waits(self, size: int) -> None:
        """By the size of a read."""
        if size >= SHORT:
            self._caught_up_at = None
            return
        self._standstill.caught_up()
        if self._caught_up_at is None:
            self._caught_up_at = self._heard

    def _take_apart(self, pieces: Pieces) -> None:
        if self._decoder is None:
            self._deliver(self._splitter.feed_all(pieces))
        else:
            for plain in self._decoder.feed(b"".join(pieces)):
                self._deliver(self._splitter.feed(plain))

    def _deliver(self, messages: list[bytes | Overlong]) -> None:
        if messages:
            self._owner.received(messages)

    def _watch_silence(self, seconds: float) -> None:
        self._calls["silence"] = self._clock.callLater(seconds, self._check_silence)

    def _check_silence(self) -> None:
        listening = self._clock.seconds() - max(self._heard, self._awake)
        idle = 0.0 if self._valve.is_held else max(0.0, listening)
        if idle >= self._stall_timeout:
            self.end(Ending("stall", f"no byte came for {self._stall_timeout:g} s"))
        else:
            self._watch_silence(self._stall_timeout - idle)
