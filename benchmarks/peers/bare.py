"""
`bare.py ROOT FILE v2`: a protocol of Twisted's that writes the lines that it reads, and does no
more.  It reads each 0.1 s, and pauses meanwhile: as few awakenings as a client can have.

It stands on the transport itself, and takes each line with a brace at its beginning for a post:
Twisted's HTTP client has its transport read on after each piece of a body.
"""

import sys
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urlsplit

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.interfaces import IPushProducer, IReactorTime, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import optionsForClientTLS
from twisted.python.failure import Failure

REST = 0.1
REQUEST = b"GET /2/tweets/search/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST_CHUNK = b"\n0\r\n\r\n"


class Writing(Protocol):
    """Fires `over` when the stream has ended."""

    def __init__(self, clock: IReactorTime, file: BinaryIO) -> None:
        self.over: Deferred[None] = Deferred()
        self._clock = clock
        self._file = file
        self._held = b""

    def connectionMade(self) -> None:
        cast(ITransport, self.transport).write(REQUEST)

    def dataReceived(self, data: bytes) -> None:
        *lines, self._held = (self._held + data).split(b"\n")
        self._file.write(b"".join(b"%b\n" % line for line in lines if line.startswith(b"{")))
        if data.endswith(LAST_CHUNK):
            cast(ITransport, self.transport).loseConnection()
            return
        self._socket().pauseProducing()
        self._clock.callLater(REST, self._go_on)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.over.callback(None)

    def _go_on(self) -> None:
        if not self.over.called:
            self._socket().resumeProducing()

    def _socket(self) -> IPushProducer:
        return cast(IPushProducer, self.transport)


async def main(reactor: IReactorTime, file: BinaryIO) -> None:
    url = urlsplit(sys.argv[1])
    endpoint = HostnameEndpoint(reactor, str(url.hostname), url.port)
    if url.scheme == "https":
        endpoint = wrapClientTLS(optionsForClientTLS(str(url.hostname)), endpoint)
    protocol = Writing(reactor, file)
    await connectProtocol(endpoint, protocol)
    await protocol.over


with Path(sys.argv[2]).open("wb", buffering=0) as output:
    task.react(lambda reactor: Deferred.fromCoroutine(main(reactor, output)))
