"""
A client in a folder of its own, with both ends of the sandbox in this process.

Knows how these are started, and where a client says how it is; knows no fault.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, cast

import attrs
from twisted.internet import reactor as _reactor
from twisted.internet.defer import maybeDeferred

from tcsandbox.server import TOKEN, CaptureServer
from tcsandbox.twitter import SANDBOX_CREDENTIALS, Simulator, SimulatorSettings
from tcsandbox.twitter.v2.faults import ChangePlan
from tests.e2e.processes import Running, python, start, twistd, until

reactor = cast(Any, _reactor)

JOB = "storm"
RATE = 5.0
RULE_DELAY = 0.5
LONG = 150.0
"""Seconds until something that lasts has been said."""
ARGUMENTS = ("-n", "--pidfile=", "tcc", "--config", "settings.json")


class Stand:
    """A client in a folder of its own, with both ends of the sandbox in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True)
        self.data = folder / "data" / JOB
        self.prefix: list[str] = []  # of the client's commands
        self._cleanups: list[Callable[[], Any]] = []
        character = SimulatorSettings(rate=RATE, accounts=(SANDBOX_CREDENTIALS,))
        self.twitter = Simulator(reactor, Random(2), character)
        self.server = CaptureServer(reactor, token=TOKEN)
        self.server.store.create(JOB, "storm, green tea", 2)
        self._twitter_at = reactor.listenTCP(0, self.twitter.site(), interface="127.0.0.1")
        self._server_at = self.server.listen(reactor)
        for end in (self._twitter_at.stopListening, self.twitter.stop, self.away):
            self.addCleanup(end)

    def addCleanup(self, act: Callable[[], Any]) -> None:
        """As a TestCase."""
        self._cleanups.append(act)

    async def end(self) -> None:
        """Nothing is left of it but the folder."""
        while self._cleanups:
            await maybeDeferred(self._cleanups.pop())

    async def away(self) -> None:
        """Let nothing listen at the server's address."""
        await maybeDeferred(self._server_at.stopListening)
        await self.server.hang_up()

    async def captures(self, command: list[str] | None = None, **environ: str) -> Running:
        """Return a client, by default an unharmed one, that has posts on the disk."""
        client = self.client(command, **environ)
        await until(lambda: [*self.data.glob("*.tmp")] or client.check(), "posts on disk")
        return client

    def client(self, command: list[str] | None = None, **environ: str) -> Running:
        """Return a client that has been started."""
        whole = [*self.prefix, *(command or twistd(*ARGUMENTS))]
        return start(cast(Any, self), self.folder, whole, **environ)

    def settings(self, api: str = "1.1", **sections: dict[str, Any]) -> None:
        """Write settings for both ends, with members of `sections` changed or added."""
        root = f"http://127.0.0.1:{self._twitter_at.getHost().port}/"
        document: dict[str, dict[str, Any]] = {
            "server": {
                "base_url": f"http://127.0.0.1:{self._server_at.getHost().port}/api/",
                "client_id": 1,
                "auth_token": TOKEN,
                "ping_interval": 0.5,
                "update_interval": 1.0,
            },
            "twitter_auth": attrs.asdict(SANDBOX_CREDENTIALS),
            "twitter": {"api": api, "stream_url": f"{root}1.1/", "api_url": root},
            "output": {"base_dir": "data", "minute_interval": 1},
        }
        if api == "2":
            document["twitter"]["rule_delay"] = RULE_DELAY
            self.twitter.fault(ChangePlan(rule_delay=RULE_DELAY))
        for name, section in sections.items():
            document[name] |= section
        (self.folder / "settings.json").write_text(json.dumps(document))

    async def says(self, client: Running, limit: float = LONG) -> str:
        """Return the first line of the log about health, when it is there."""

        def line() -> str:
            client.check()
            found = re.search(r"Health: .*", client.out)
            return "" if found is None else found[0].strip()

        await until(line, f"a line about health; so far {client.out}", limit)
        return line()

    async def asked(self, *options: str) -> str:
        """Return what `tcc-health` says."""
        command = python("-c", "from tcaccount.healthcommand import main; main()", "data", *options)
        asked = start(cast(Any, self), self.folder, [*self.prefix, *command])
        return (await asked.finished()).out.strip()
