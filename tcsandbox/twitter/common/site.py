"""The simulator's server factory: HTTP/1.1 without an access log, which can end its connections."""

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import Site

GOODBYE = 1.0  # seconds a connection gets to end by itself


class TrackedChannel(HTTPChannel):
    """A connection that its site knows of."""

    site: "SimulatorSite"  # set by Site.buildProtocol
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

    def abort(self) -> None:
        """Close at once, whatever is still to be sent."""
        self.forceAbortClient()  # type: ignore[no-untyped-call]  # as above


class SimulatorSite(Site):
    """A Site that can end: hang_up() closes what is open, whether answered or not."""

    noisy = False
    protocol = TrackedChannel  # type: ignore[assignment]  # HTTP/2 is not wanted

    def __init__(self, root: Resource, clock: IReactorTime) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # as above
            root, reactor=clock, parsePOSTFormSubmission=False
        )
        self.channels: set[TrackedChannel] = set()
        self._clock = clock
        self._waiting: list[Deferred[None]] = []
        self._force: IDelayedCall | None = None
        self.ending = False

    def log(self, request: HTTPRequest) -> None:
        """Write no access log: the simulator itself says what matters."""

    def acceptableProtocols(self) -> list[bytes]:
        """Return HTTP/1.1 alone, also where HTTP/2 is installed: TrackedChannel speaks no other."""
        return [b"http/1.1"]

    def forget(self, channel: TrackedChannel) -> None:
        """Take a closed `channel` off the list; after the last one hang_up()'s Deferreds fire."""
        self.channels.discard(channel)
        if self.channels:
            return
        if self._force is not None:
            self._force.cancel()
            self._force = None
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)

    def hang_up(self) -> Deferred[None]:
        """Close every connection, after GOODBYE seconds by force; fires when all are gone."""
        self.ending = True
        if not self.channels:
            return succeed(None)
        self._waiting.append(Deferred())
        if self._force is None:
            self._force = self._clock.callLater(GOODBYE, self._abort)
        for channel in list(self.channels):
            channel.loseConnection()
        return self._waiting[-1]

    def _abort(self) -> None:
        self._force = None
        for channel in list(self.channels):
            channel.abort()
