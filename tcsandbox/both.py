"""
Both ends on loopback, and the settings of a real client between them.

Knows the ports, the jobs, the folder, and what a newcomer is told; the ends themselves and the
client are built elsewhere.
"""

import fcntl
import os
import socket
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred

from tcsandbox.example import RULE_DELAY, may_be_replaced, write_settings
from tcsandbox.farclock import FarClock
from tcsandbox.server import TOKEN, CaptureServer
from tcsandbox.twitter import Plan, Simulator, SimulatorSettings

HOST = "127.0.0.1"
TWITTER_PORT = 8871
SERVER_PORT = 8872
"""The preferred ports, so that a command once pasted works again; others where they are taken."""

JOBS = {
    "2": {"demo": "coffee, green tea", "cold": "iced coffee, rain"},
    "1.1": {"demo": "coffee, green tea"},
}
"""The running jobs for each API: v2 brings many captures over one connection, and some posts match
both; v1.1 has one stream for one capture."""
RATE = 20.0
"""Posts a second: enough to see, not enough to fill a disk over lunch (about 5 MB a minute)."""

_NO_FOLDER = "there is a file of that name"
_NOT_OURS = "the settings.json there is not a sandbox's, and would be overwritten"


class SandboxError(Exception):
    """Raised when the sandbox cannot be set up; str() is a sentence."""


class Sandbox(Service):
    """
    The simulated Twitter and the server (the real one where it is installed), with running jobs.

    `wall` returns the date, in epoch seconds.  The constructor makes `folder`, locks it, takes the
    ports, and writes `settings_path`; it raises SandboxError.
    """

    def __init__(self, folder: Path, api: str, reactor: Any, wall: Callable[[], float]) -> None:
        if api not in JOBS:
            raise SandboxError(f"--sandbox-api must be {' or '.join(JOBS)}, found {api!r}.")
        self.folder = folder.absolute()
        self.settings_path = self.folder / "settings.json"
        self._reactor = reactor
        self._api = api
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _lock(self.folder)
            if not may_be_replaced(self.settings_path):
                raise _unusable(self.folder, _NOT_OURS)
            self._sockets = [_listening(TWITTER_PORT), _listening(SERVER_PORT)]
            write_settings(self.settings_path, api, self.twitter_url, self.server_url)
        except OSError as e:
            why = _NO_FOLDER if isinstance(e, FileExistsError) else str(e.strerror)
            raise _unusable(self.folder, why) from e
        settings = SimulatorSettings(rate=RATE, plan=Plan(rule_delay=RULE_DELAY))
        clock = FarClock(reactor, wall)
        self._twitter = Simulator(clock, Random(), settings)
        real = import_module("tcserver.insandbox")  # by name: nothing here knows the server
        self._real = real.server_process(self.folder, TOKEN, JOBS[api])
        self._server = self._real or CaptureServer(clock)
        for name, keywords in () if self._real else JOBS[api].items():
            self._server.store.create(name, keywords, 2)
        self._ports: list[Any] = []

    def startService(self) -> None:
        """Serve both ends on the ports that the constructor took."""
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._adopt(self._sockets[0].fileno(), self._twitter.site())
        if self._real:
            self._real.serve(self._reactor, self._sockets[1])
        else:
            self._adopt(self._sockets[1].fileno(), self._server.site)
        for listening in self._sockets:  # they have been duplicated
            listening.close()

    def stopService(self) -> Deferred[Any]:
        """Stop listening and hang up on everybody; fires when all connections are closed."""
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        closed = [maybeDeferred(port.stopListening) for port in self._ports]
        return gatherResults([*closed, self._twitter.stop(), self._server.hang_up()])

    def _adopt(self, fd: int, site: Any) -> None:
        self._ports.append(self._reactor.adoptStreamPort(fd, socket.AF_INET, site))

    @property
    def twitter_url(self) -> str:
        """The address of the simulated Twitter, below which both APIs are."""
        return f"http://{HOST}:{self._sockets[0].getsockname()[1]}/"

    @property
    def server_url(self) -> str:
        """The address of the server's API."""
        return f"http://{HOST}:{self._sockets[1].getsockname()[1]}/api/"

    def description(self) -> str:
        """Return what the console shows: what runs where, where the files are, and what to try."""
        data = self.folder / "data"
        names = " and ".join(repr(name) for name in JOBS[self._api])
        url, real = self.server_url, self._real
        server, key = (real.description(url), real.key) if real else (f"{url}  a stand-in", TOKEN)
        curl = f"curl -fsS -H 'Authorization: Token {key}' {url}activejobs/1/"
        patch = f"{curl} -o /dev/null -X PATCH -H 'Content-Type: application/json' -d"
        return f"""\
A sandbox of the Twitter capture client: everything runs on this machine only.

  simulated Twitter   {self.twitter_url}  sends {RATE:g} made-up tweets a second by API {self._api}
  capture server      {server}; what runs there: {names}
  capture client      the real one, with {self.settings_path}
  tweets              {data}/demo/  a file a minute; .tmp is being written
  account             {data}/demo/demo.ledger.jsonl
  log                 {self.folder / "logs" / "tcc.log"}

What a researcher would do with 'demo' on the server's website, to be pasted into another terminal:

  stop     {patch} '{{"status": 4}}'
  start    {patch} '{{"status": 2}}'
  re-key   {patch} '{{"keywords": "espresso, iced coffee"}}'
  look     {curl}

Ctrl-C here ends it all and finishes the files.
"""


def sandbox(folder: Path, api: str, reactor: Any, wall: Callable[[], float]) -> Sandbox:
    """Return a sandbox.  Raises SystemExit with a sentence where it cannot be set up."""
    try:
        return Sandbox(folder, api, reactor, wall)
    except SandboxError as e:
        raise SystemExit(str(e)) from None


def _unusable(folder: Path, why: str) -> SandboxError:
    return SandboxError(f"The sandbox cannot be set up in {folder}: {why}.")


def _lock(folder: Path) -> None:
    """Keep a second sandbox out of `folder` while this one lives; raise SandboxError, OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        os.close(fd)
        raise SandboxError(
            f"A sandbox runs in {folder} already: end that one, or give this one another folder."
        ) from e


def _listening(preferred: int) -> socket.socket:
    """Return a socket that listens at the preferred port of HOST, or else at any free one."""
    try:
        listening = socket.create_server((HOST, preferred), backlog=50)
    except OSError:
        listening = socket.create_server((HOST, 0), backlog=50)
    # Twisted accepts until there is nothing more to accept.
    listening.setblocking(False)
    return listening
