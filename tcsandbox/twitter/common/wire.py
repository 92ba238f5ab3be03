"""How bytes go to one client: chunks, gzip, odd splits, drips, rude ends.  Knows no posts."""

import re
import zlib
from collections.abc import Callable
from typing import Literal, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime, ITCPTransport
from twisted.python.failure import Failure
from twisted.web.server import Request

LINGER = 10.0  # seconds a client gets to read what is left before the connection is reset
FLUSH = 0.05  # seconds the reactor gets to hand over what was written before a reset drops it

Split = Literal["off", "byte", "utf8", "crlf"]

# Where a chunk ends, by Split: the pieces that the pattern finds are sent as chunks.
SPLITS: dict[Split, re.Pattern[bytes]] = {
    "byte": re.compile(rb".", re.DOTALL),
    # the first byte of a character outside ASCII ends a chunk, the rest of it begins the next
    "utf8": re.compile(rb"[^\xc0-\xff]*[\xc0-\xff]|[^\xc0-\xff]+"),
    "crlf": re.compile(rb"[^\r]*\r|[^\r]+"),
}


class Wire:
    """
    One response, which the constructor begins with status 200.

    It goes on until end(), break_off(), hang_up() or reset() is called, or the connection is
    lost; what is sent after that goes nowhere.
    """

    def __init__(self, request: Request, clock: IReactorTime, gzip: bool) -> None:
        self._request: Request | None = request
        self._transport = cast(ITCPTransport, request.channel.transport)
        self._clock = clock
        self.gone: Deferred[None] = Deferred()
        self._timers: set[IDelayedCall] = set()
        self.split: Split = "off"
        self._drip = 0.0
        self._drip_due = False  # a byte has just left, so the next one has to wait
        self._undripped = bytearray()
        self._gzip = zlib.compressobj(1, zlib.DEFLATED, 31) if gzip else None
        request.notifyFinish().addErrback(self._lost)
        request.setHeader(b"Content-Type", b"application/json")
        request.setHeader(b"Connection", b"close")
        if gzip:
            request.setHeader(b"Content-Encoding", b"gzip")
        request.write(b"")

    def register(self, producer: IPushProducer) -> None:
        """Let `producer` be paused while the client does not read."""
        if self._request is not None:
            self._request.registerProducer(producer, True)

    @property
    def gzip(self) -> bool:
        """Whether the body is compressed."""
        return self._gzip is not None

    @property
    def closed(self) -> bool:
        """Whether what is sent goes nowhere."""
        return self._request is None

    @property
    def trickling(self) -> bool:
        """Whether bytes leave one at a time."""
        return bool(self._drip)

    @property
    def dripping(self) -> bool:
        """Whether bytes are waiting for their turn in a trickle."""
        return bool(self._undripped)

    def send(self, data: bytes) -> None:
        """Send `data` at once, in the chunks that the split asks for."""
        if self.closed:
            return
        pieces = [data] if self.split == "off" else SPLITS[self.split].findall(data)
        for piece in pieces:
            self._put(self.pack(piece))

    def send_packed(self, data: bytes) -> None:
        """Send `data`, compressed already where the body is gzip, in one chunk."""
        if self._request is not None and data:
            self._request.write(data)

    def send_raw(self, data: bytes) -> None:
        """Put `data` on the connection as it stands, outside any chunk."""
        if self._request is not None:
            self._request.channel.write(data)

    def pack(self, data: bytes) -> bytes:
        """Return `data` as it goes into a chunk: compressed and flushed if the body is gzip."""
        if self._gzip is None:
            return data
        return self._gzip.compress(data) + self._gzip.flush(zlib.Z_SYNC_FLUSH)

    def trickle(self, interval: float) -> None:
        """Send a byte every `interval` seconds from now on; 0 ends that and sends the rest."""
        self._drip = interval
        if not interval:
            rest = bytes(self._undripped)
            self._undripped.clear()
            self.send_packed(rest)

    def end(self) -> None:
        """End the gzip and the chunks as HTTP has it, and hang up."""
        if self._gzip is not None and not self.closed:
            self.send_packed(self._gzip.flush(zlib.Z_FINISH))
        self.break_off()

    def break_off(self) -> None:
        """End the chunks but not the gzip in them, and hang up."""
        if self._request is not None and self._request.chunked:
            self.send_raw(b"0\r\n\r\n")
        self.hang_up()

    def hang_up(self) -> None:
        """
        Close the connection (FIN) in the middle of the body, once all is sent.

        It is reset after LINGER seconds if the client has not read the rest by then.
        """
        request = self._forget_request()
        if request is not None:
            request.channel.loseConnection()
            self.later(LINGER, self._transport.abortConnection)

    def reset(self) -> None:
        """Reset the connection (RST) as soon as what was sent can have left."""
        if self._forget_request() is not None:
            self.later(FLUSH, self._transport.abortConnection)

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        """Call `call` in `seconds` unless the connection is gone by then."""

        def run() -> None:
            self._timers.discard(timer)
            call()

        timer = self._clock.callLater(seconds, run)
        self._timers.add(timer)

    def _put(self, packed: bytes) -> None:
        if not self._drip:
            self.send_packed(packed)
            return
        self._undripped += packed
        if not self._drip_due:
            self._drip_one()

    def _drip_one(self) -> None:
        self._drip_due = bool(self._undripped) and self._request is not None
        if self._drip_due:
            self.send_packed(bytes(self._undripped[:1]))
            del self._undripped[:1]
            self.later(self._drip, self._drip_one)

    def _forget_request(self) -> Request | None:
        request, self._request = self._request, None
        if request is not None:
            request.unregisterProducer()
        return request

    def _lost(self, _: Failure) -> None:
        self._request = None
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.gone.callback(None)
