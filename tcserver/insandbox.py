"""
Starts the capture server for a sandbox, as a process of its own: found by name.

Knows the process and what it is told; imports nothing of Django or Daphne's server, which would
put another reactor in the place of the caller's.
"""

import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

try:
    import daphne
    import django
except ModuleNotFoundError:
    IS_INSTALLED = False
else:
    IS_INSTALLED = all((daphne, django))

LOGIN, PASSWORD = "admin", "sandbox"
KEY = "4e5ea4c4" * 5
"""The key of the administrator's scripts: it opens nothing but what runs on loopback."""
SOCKET = 3
"""The descriptor at which the process finds the socket that listens."""


class SandboxPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the process is told on its standard input: the client's token, and the captures."""

    token: str
    captures: dict[str, str]


class ServerProcess(ProcessProtocol):
    """
    The server of a sandbox in `folder`, with `captures`, of which each name has its keywords, and a
    client whose token is `token`.
    """

    key = KEY

    def __init__(self, folder: Path, token: str, captures: Mapping[str, str]) -> None:
        self._folder = folder / "site"
        self._plan = SandboxPlan(token, dict(captures))
        self._gone: Deferred[None] = Deferred()

    def description(self, address: str) -> str:
        """Return what the console says of it, whose API is at `address`."""
        return f"{address.removesuffix('api/')}  log in as {LOGIN} with the password {PASSWORD}"

    def serve(self, reactor: Any, listening: socket.socket) -> None:
        """Start it on a socket that listens; whoever connects meanwhile waits."""
        command = [sys.executable, "-P", "-m", "tcserver", "sandbox", f"--data={self._folder}"]
        descriptors = {0: "w", 1: 1, 2: 2, SOCKET: listening.fileno()}
        reactor.spawnProcess(self, command[0], command, env=None, childFDs=descriptors)

    def hang_up(self) -> Deferred[None]:
        """End it; fires once it has ended."""
        if self.transport is not None and not self._gone.called:
            with suppress(ProcessExitedAlready):
                self.transport.signalProcess("TERM")
        return self._gone

    def connectionMade(self) -> None:
        """Tell it its plan; while the pipe stands it goes on."""
        assert self.transport is not None
        self.transport.write(msgspec.json.encode(self._plan) + b"\n")

    def processEnded(self, reason: Failure) -> None:
        """Tell whoever waits for its end."""
        self._gone.callback(None)


def server_process(folder: Path, token: str, captures: Mapping[str, str]) -> ServerProcess | None:
    """Return the server for a sandbox; None where the extra [server] is not installed."""
    return ServerProcess(folder, token, captures) if IS_INSTALLED else None
