"""
Serves the application by Daphne, in this process and until a signal.

Importing this has Daphne put Twisted on asyncio's event loop: it belongs into a process of its own.
"""

from collections.abc import Callable
from typing import Any

from daphne.server import Server

from tcserver.asgi import application
from tcserver.environment import SetupError

ANSWER_WITHIN = 60
"""Seconds for an answer, after which whoever asks is told that the server is too busy."""


class WebServer(Server):  # type: ignore[misc]  # daphne has no types
    """Daphne, which tells `listens` where it listens, and keeps why it cannot."""

    def __init__(self, endpoint: str, listens: Callable[[str, int], None]) -> None:
        super().__init__(
            application,
            endpoints=[endpoint],
            http_timeout=ANSWER_WITHIN,
            server_name="",
        )
        self._listens = listens
        self.failed: str | None = None

    def listen_success(self, port: Any) -> None:
        """Tell where it listens."""
        super().listen_success(port)
        where = port.getHost()
        self._listens(where.host, where.port)

    def listen_error(self, failure: Any) -> None:
        """Keep why, and stop."""
        self.failed = str(getattr(failure.value, "socketError", failure.value))
        self.stop()


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
