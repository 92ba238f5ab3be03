"""
The client, a simulated Twitter, a relay, and two servers with their PostgreSQL and Redis, for one
scenario.

Knows how to start and hurt each, and what all of them have in the end.
"""

import json
import re
import secrets
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tcclient.ledger.parts import ledgers_of
from tests.e2e import rest
from tests.e2e.processes import ROOT, Running, python, start, until
from tests.faults import commands, evidence
from tests.faults.accounting import Span
from tests.faults.commands import JOB, KEYWORDS, Terms
from tests.faults.proxy import HOST
from tests.faults.world import World
from tests.tcserver.livecase import PrivateRedis
from tests.tcserver.postgres import PrivatePostgres
from tests.tcserver.test_live_servers import MADE, free_address

LONG = 150.0
"""Seconds until all is well: the longest wait of the channel's ramp is 60 s, twice the look."""
SERVERS = ("server", "other server")


class LiveWorld(World):
    """
    `postgres` and `redis` are its own; the website is looked at by the other server.  The client
    has no channel unless it `pushes`; `cuts` counts what is done to it or its stream, which a
    client that only polls has a gap of too.
    """

    def __init__(
        self,
        folder: Path,
        terms: Terms,
        seed: int = 1,
        module: str = "tcserver",
        *,
        pushes: bool = True,
    ) -> None:
        super().__init__(folder, terms, seed)
        self._module, self._pushes, self.cuts = module, pushes, 0
        self._stopped_at, self._is_settled = 0.0, False
        self.postgres = PrivatePostgres(self)  # type: ignore[arg-type]  # it wants addCleanup()
        self.redis = PrivateRedis(self)
        self._listen = {name: free_address() for name in SERVERS}
        self.ports["server"] = int(self._listen["server"].rpartition(":")[2])
        self._token, self._key = secrets.token_hex(20), secrets.token_hex(20)
        self._of_server = {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url}

    def addCleanup(self, act: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        super().addCleanup(lambda: maybeDeferred(act, *arguments, **options))

    async def start(self, what: str) -> None:
        """Start "twitter", "client", "relay", or one of SERVERS; "server" brings the other one."""
        if what == "server" and "other server" not in self.running:
            await self._start_server("server")
            await self._make()
            await self._start_server("other server")
            await self._start_relay()
        elif what in SERVERS:
            await self._start_server(what)
        else:
            await super().start(what)

    async def _start_server(self, what: str) -> None:
        up = ("-m", self._module, "up", "--data", "site", "--listen", self._listen[what])
        process = self._runs(python(*up), **self._of_server)
        self.running[what] = process
        await process.says("The capture server is at")

    async def _make(self) -> None:
        """Make a client, a person's key, a browser's session, and the capture."""
        made = MADE.format(
            wanted="RUN", token=self._token, key=self._key, job=JOB, keywords=KEYWORDS
        )
        shell = python("-m", "tcserver", "shell", "--data", "site", "-v0", "-c", made)
        ended = await self._runs(shell, **self._of_server).finished()
        self._session, client, number = ended.out.split()
        self._client, self.capture = int(client), int(number)

    async def _start_relay(self) -> None:
        command = python("-m", "tests.livefaults.relay", str(self.ports["server"]))
        relay = self._runs(command)
        self.running["relay"] = relay
        await relay.says("port ")
        self.ports["relay"] = int(relay.out.split()[1])

    def _runs(self, command: list[str], **environ: str) -> Running:
        """Start a process that finds the tests."""
        return start(self, self.folder, command, PYTHONPATH=str(ROOT), **environ)

    def relay(self, line: str) -> None:
        """Have frames handed on otherwise."""
        self.running["relay"].transport.write(f"{line}\n".encode())

    def write_settings(self) -> None:
        root = f"{self.twitter_at}:{self.proxy.number}/"
        document = commands.settings(self.terms, root, self.root("server"))
        document["server"] |= {
            "client_id": self._client,
            "auth_token": self._token,
            "ping_interval": 10.0,
            "update_interval": 2.0,
            "push_url": f"ws://{HOST}:{self.ports['relay']}/ws/client/" if self._pushes else None,
        }
        (self.folder / "settings.json").write_text(json.dumps(document))

    async def site(self, method: str, path: str, server: str = "server", **members: Any) -> Any:
        """What REST answers a person at one of the servers."""
        base_url = f"http://{self._listen[server]}/api/"
        return await rest.ask(base_url, self._key, method, path, members)

    async def job(self) -> dict[str, Any]:
        return dict(await self.site("GET", f"jobs/{self.capture}/"))

    async def state(self, what: str) -> Any:
        if what != "server":
            return await super().state(what)
        [(reported,)] = self.rows("SELECT coalesce(sum(count), 0) FROM accounts_updaterecord")
        return {"jobs": [await self.job()], "updates": {"1": {"count": int(reported)}}}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the servers' database answers."""
        with psycopg.connect(self.postgres.url) as connection:
            return connection.execute(sql).fetchall()  # type: ignore[call-overload]

    async def by_channel(self, patience: float = LONG) -> None:
        """Return once a client that pushes has a session; one that was killed has it for a term."""
        if not self._pushes:
            return
        client = self.running["client"]

        def is_up() -> bool:
            client.check()
            rows = self.rows("SELECT opened_at FROM fleet_clientsession WHERE until > now()")
            return bool(rows)

        await until(is_up, "the channel up", patience)

    async def cut_stream(self) -> None:
        """Have the stream cut, which the ledger has lines of."""
        self.cuts += 1
        await self.twitter("fault", kind="rst")

    def gaps(self) -> int:
        """How many gaps the ledger of the capture has, but for those until it was begun."""
        lines = evidence.ledger_lines(self.data / f"{JOB}.ledger.jsonl")
        return sum(line["kind"] == "gap" and line["cause"] != "start" for line in lines)

    async def wants(self, status: int, patience: float = LONG) -> float:
        """Have a person want it at the other server; returns the seconds until the client has."""
        began = reactor.seconds()
        await self.site("PATCH", f"jobs/{self.capture}/", "other server", status=status)
        while (await self.site("GET", f"jobs/{self.capture}/", "other server"))[
            "status"
        ] != status + 1:
            self.running["client"].check()
            if reactor.seconds() - began > patience:
                raise AssertionError(f"status {status + 1} does not come")
            await deferLater(reactor, 0.05)
        now = reactor.seconds()
        if status == 4:
            self._stopped_at = began
        else:
            self.unwanted.append(Span(self._stopped_at, now))
        return now - began

    async def all_arrived(self) -> None:
        """As it is, while posts are wanted: once it is stopped all have."""
        if not self._is_settled:
            await super().all_arrived()

    async def settle(self) -> list[str]:
        """Stop the capture, and return in words what is not the same everywhere in the end."""
        await self.all_arrived()
        await self.wants(4)
        self._is_settled = True
        posts = len(evidence.read_posts(sorted(self.data.glob("*.json")))[0])
        self.unwanted.append(Span(self._stopped_at, reactor.seconds() + LONG))
        wrong: list[str] = []
        for _ in range(int(LONG / 0.5)):
            wrong = await self._different(posts)
            if not wrong:
                break
            await deferLater(reactor, 0.5)
        return wrong

    async def _different(self, posts: int) -> list[str]:
        """Return in words what is not as on the disk."""
        total = (await self.site("GET", f"jobs/{self.capture}/"))["total_count"]
        shown = [re.sub("<.*?>", "", cell) for cell in await deferToThread(self._cells)]
        has_same = self.ledgers_there() == self.ledgers_here()
        return [
            *([] if total == posts else [f"REST has {total}, the disk {posts} posts"]),
            *([] if shown[1:] == [f"{posts:,}"] else [f"the website shows {shown}, not {posts}"]),
            *([] if shown[0].startswith("stopped") else [f"the website shows {shown[0]}"]),
            *([] if has_same else ["the ledgers differ"]),
        ]

    def _cells(self) -> list[str]:
        """Return the state and the posts of the capture, as the other server's website has them."""
        request = urllib.request.Request(
            f"http://{self._listen['other server']}/captures/",
            headers={"Cookie": f"sessionid={self._session}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            page = answer.read().decode()
        return re.findall(r'data-shows="(?:state|posts)">(.*?)</td>', page, re.DOTALL)

    def ledgers_here(self) -> dict[str, bytes]:
        """The bytes of all ledgers of the client, by their ids."""
        paths = (self.folder / "data").rglob("*.ledger.jsonl")
        return {one.id: one.read(0, one.end) for path in paths for one in ledgers_of(path)}

    def ledgers_there(self) -> dict[str, bytes]:
        """The bytes of all ledgers that the server holds, by their ids."""
        found: dict[str, bytes] = {}
        for name, data in self.rows(
            "SELECT l.name, p.data FROM accounts_ledgerpiece p "
            'JOIN accounts_ledgerrecord l ON p.ledger_id = l.id ORDER BY l.id, p."offset"'
        ):
            found[name] = found.get(name, b"") + bytes(data)
        return found
