"""
Serves the application by Daphne, in this process and until a signal.

Importing this has Daphne put Twisted on asyncio's event loop: it belongs into a process of its own.
"""

import asyncio
import os
import resource
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import attrs
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory
from django.conf import settings
from twisted.internet.defer import Deferred

from tcclient.runtime.supervisor import Supervisor
from tcserver.asgi import application
from tcserver.channel import BoundedFactory, BoundedSocket, RequestLimits
from tcserver.environment import SetupError

ANSWER_WITHIN = 60
"""Seconds for an answer, after which whoever asks is told that the server is too busy."""
MOST_OF_A_MESSAGE = 256 << 10
"""Bytes either way at a socket; what is bounded more tightly is told so before it is closed."""
WAITING = 60
"""Seconds that a socket may wait to be let in; a client waits half a minute."""
PARTING = 8.0
"""Seconds for goodbyes at sockets."""
OTHER_FILES = 200
"""Open files besides connections: databases, pages, logs."""


class WebServer(Server):  # type: ignore[misc]  # daphne has no types
    """Daphne within limits, which tells `listens` where it listens, and keeps why it cannot."""

    def __init__(
        self,
        endpoint: str,
        listens: Callable[[str, int], None],
        limits: RequestLimits | None = None,
    ) -> None:
        self._factory = BoundedFactory(self, limits or the_limits(), settings.TRUSTED_PROXIES)
        super().__init__(
            application,
            endpoints=[endpoint],
            http_timeout=ANSWER_WITHIN,
            server_name="",
            websocket_handshake_timeout=WAITING,
            websocket_connect_timeout=WAITING,
            websocket_max_message_size=MOST_OF_A_MESSAGE,
            websocket_max_frame_size=MOST_OF_A_MESSAGE,
        )
        self._listens = listens
        self._ports: list[Any] = []
        self._left = asyncio.Event()
        self.failed: str | None = None

    @property
    def http_factory(self) -> BoundedFactory:
        """What makes the connections."""
        return self._factory

    @http_factory.setter
    def http_factory(self, _: Any) -> None:
        """Daphne's own, which knows no limits, is let be."""

    @property
    def ws_factory(self) -> WebSocketFactory:
        """What makes the sockets."""
        return self._sockets

    @ws_factory.setter
    def ws_factory(self, factory: WebSocketFactory) -> None:
        """Take Daphne's, for sockets that leave the connections' count when they end."""
        factory.protocol = BoundedSocket
        self._sockets = factory

    def kill_all_applications(self) -> Any:
        """Give up what is being answered; Daphne's way fails where one request is half received."""
        nothing: asyncio.Future[None] = asyncio.get_event_loop().create_future()
        nothing.set_result(None)
        for details in self.connections.values():
            details.setdefault("application_instance", nothing)
        return Deferred.fromFuture(asyncio.ensure_future(self._part())).addCallback(
            lambda _: super(WebServer, self).kill_all_applications()
        )

    async def _part(self) -> None:
        """Let nobody new in, and have those with sockets know when to come back."""
        for port in self._ports:
            port.stopListening()
        with suppress(TimeoutError):
            async with asyncio.timeout(PARTING):
                await application.part()
                while any(isinstance(one, BoundedSocket) for one in self._connected()):
                    self._left.clear()
                    await self._left.wait()

    def protocol_disconnected(self, protocol: Any) -> None:
        """Note it."""
        super().protocol_disconnected(protocol)
        self._left.set()

    def _connected(self) -> list[Any]:
        return [one for one, known in self.connections.items() if "disconnected" not in known]

    def listen_success(self, port: Any) -> None:
        """Tell where it listens, also a supervisor, once a signal ends it as it should."""
        super().listen_success(port)
        self._ports.append(port)
        where = port.getHost()
        port.reactor.callWhenRunning(self._listens, where.host, where.port)
        Supervisor(os.environ, port.reactor).startService()

    def listen_error(self, failure: Any) -> None:
        """Keep why, and stop."""
        self.failed = str(getattr(failure.value, "socketError", failure.value))
        self.stop()


def the_limits() -> RequestLimits:
    """Return the limits of this process, which may have more files open from here on."""
    limits = RequestLimits(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + OTHER_FILES
    if resource.RLIM_INFINITY not in (soft, hard):
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    if soft != resource.RLIM_INFINITY:
        most = max(1, min(limits.connections, soft - OTHER_FILES))
        limits = attrs.evolve(limits, connections=most)
    return limits


def serve_at(host: str, port: int, listens: Callable[[str, int], None]) -> None:
    """Serve on an interface until a signal.  Raises SetupError if that cannot be."""
    interface = host.replace(":", r"\:")
    server = WebServer(f"tcp:port={port}:interface={interface}", listens)
    server.run()
    if server.failed is not None:
        raise SetupError(f"{host} port {port} cannot be listened on: {server.failed}.")


def serve_on(descriptor: int, listens: Callable[[str, int], None]) -> None:
    """Serve on a socket that listens already, by its descriptor, until a signal."""
    WebServer(f"fd:fileno={descriptor}", listens).run()
