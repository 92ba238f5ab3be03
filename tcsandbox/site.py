"""The site of both ends: HTTP/1.1 without an access log, and with an end to its connections."""

from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import Site

GOODBYE = 1.0  # seconds a connection gets to end by itself


class TrackedChannel(HTTPChannel):
    """A connection that its site knows of."""

    site: "TrackingSite"  # set by Site.buildProtocol
    _closing = False

    def connectionMade(self) -> None:
        """Register with the site, which closes the connection at once if it is ending."""
        super().connectionMade()  # type: ignore[no-untyped-call]  # twisted.web has no types here
        assert self.transport is not None
        if hasattr(self.transport, "setTcpNoDelay"):
            # single bytes are to arrive as such
            self.transport.setTcpNoDelay(True)
        self.site.channels.add(self)
        if self.site.ending:
            self.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take the connection off the site's list."""
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # as above
        self.site.forget(self)

    def loseConnection(self) -> None:
        """Close once everything is sent; only the first call counts."""
        if not self._closing:
            self._closing = True
            super().loseConnection()  # type: ignore[no-untyped-call]  # as above


class TrackingSite(Site):
    """A Site that knows its open connections, which a port that stops listening leaves open."""

    noisy = False
    protocol = TrackedChannel  # type: ignore[assignment]  # HTTP/2 is not wanted

    def __init__(self, root: Resource, clock: IReactorTime) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # as above
            root, timeout=None, reactor=clock, parsePOSTFormSubmission=False
        )
        self.channels: set[TrackedChannel] = set()
        self._clock = clock
        self._waiting: list[Deferred[None]] = []
        self._force: IDelayedCall | None = None
        self.ending = False

    def log(self, request: HTTPRequest) -> None:
        """Write no access log: what was asked stands in the state."""

    def acceptableProtocols(self) -> list[bytes]:
        """Return HTTP/1.1 alone, also where HTTP/2 is installed: TrackedChannel speaks no other."""
        return [b"http/1.1"]

    def hang_up(self) -> Deferred[None]:
        """End all connections for good, after GOODBYE seconds by force; fires when all are gone."""
        self.ending = True
        if self.channels and self._force is None:
            self._force = self._clock.callLater(GOODBYE, self.abort)
        for channel in list(self.channels):
            channel.loseConnection()
        return self._when_all_are_gone()

    def abort(self) -> Deferred[None]:
        """Break every connection, whatever is still to be sent; fires when all are gone."""
        for channel in list(self.channels):
            cast(ITCPTransport, channel.transport).abortConnection()
        return self._when_all_are_gone()

    def forget(self, channel: TrackedChannel) -> None:
        """Take a closed `channel` off the list, and tell those who wait once it was the last."""
        self.channels.discard(channel)
        self._settle()

    def _when_all_are_gone(self) -> Deferred[None]:
        gone: Deferred[None] = Deferred()
        self._waiting.append(gone)
        self._settle()
        return gone

    def _settle(self) -> None:
        if self.channels:
            return
        if self._force is not None and self._force.active():
            self._force.cancel()
        self._force = None
        waiting, self._waiting = self._waiting, []
        for gone in waiting:
            gone.callback(None)
