"""
The capture server of this project, `tcserver up`, as a process beside a simulated X.

Knows how it is started and killed, what people ask of it, and what its database has.
"""

import contextlib
import os
import secrets
import signal
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
from twisted.internet.defer import Deferred

from tcclient.ledger.parts import ledgers_of
from tcserver.environment import DATABASE_FILE
from tests.e2e import rest
from tests.e2e.processes import Running, python, run, start, twistd, until
from tests.e2e.test_v2 import RULE_DELAY, V2Stage

DATABASE = "TCC_TEST_DATABASE_URL"
COLUMNS = ("revision", "applied_revision", "condition", "answer", "total", "counted")
_MADE = """
from django.utils import timezone
from tcserver.fleet.services.clients import create_client
from tcserver.fleet.services.tokens import issue
from tcserver.history.acts import by_server
from tcserver.people.models import Project, User
from tcserver.people.services.keys import issue_key
act, [project] = by_server(timezone.now()), Project.objects.values_list("pk", flat=True)
for name, token in {tokens}.items():
    client = create_client(name, [project], act)
    issue(client.pk, act, token=token)
    print(client.pk)
issue_key(User.objects.get(username="admin"), "test", act, may_write=True, key="{key}")
"""


class OurServerStage(V2Stage):
    """
    `server_process` serves two clients, `lab` and `other`; the settings are those of the first one.
    Its database is SQLite's, or the one at `database` when `begin` is called.
    """

    timeout = 300
    database: str | None = None

    async def begin(self) -> None:
        """Have the server run, with its clients and a person's key."""
        self.key = secrets.token_hex(20)
        tokens = {name: secrets.token_hex(20) for name in ("lab", "other")}
        self.environ = {} if self.database is None else {"DATABASE_URL": self._new_database()}
        self.listen = "127.0.0.1:0"
        await self.server_comes()
        made = _MADE.format(tokens=tokens, key=self.key)
        out = await self.tcserver("shell", "-v0", "-c", made)
        self.lab, self.elsewhere = map(int, out.split())
        self.token = tokens["lab"]
        self.base_url = f"http://{self.listen}/api/"
        root = self.stream_url.removesuffix("1.1/")
        self.write_settings(
            server={"client_id": self.lab},
            twitter={"api": "2", "api_url": root, "rule_delay": RULE_DELAY},
        )

    async def tcserver(self, command: str, *arguments: str) -> str:
        """Run a command of the server's; returns what it has printed."""
        line = python("-m", "tcserver", command, "--data", "site", *arguments)
        ended = await run(self, self.folder, line, **self.environ)
        self.assertEqual((ended.err, ended.status), ("", 0), ended)
        return ended.out

    async def server_comes(self) -> None:
        """Start the server, at the address that it had before."""
        up = ("-m", "tcserver", "up", "--data", "site", "--listen", self.listen)
        self.server_process = start(self, self.folder, python(*up), **self.environ)
        await self.server_process.says("The capture server is at")
        line = self.server_process.out.partition("The capture server is at http://")[2]
        self.listen = line.partition("/")[0].strip()

    async def server_is_killed(self) -> None:
        """Kill the server, with whatever it is doing."""
        await self.server_process.end(signal.SIGKILL)

    def client(self) -> Running:
        """A client that has begun."""
        command = twistd("-n", "--pidfile=", "tcc", "--config", "settings.json")
        return start(self, self.folder, command)

    async def ask(self, method: str, path: str, **members: Any) -> Any:
        """Have a person ask the server."""
        return await rest.ask(self.base_url, self.key, method, path, members)

    async def create(self, name: str, keywords: str) -> int:
        """Have a person make a capture that is to run."""
        members = {"name": name, "keywords": keywords, "assigned_worker": self.lab, "status": 2}
        made = await self.ask("POST", "jobs/", **members)
        return int(made["id"])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the server's database answers."""
        if self.database is None:
            path = self.folder / "site" / DATABASE_FILE
            with contextlib.closing(sqlite3.connect(path)) as file:
                return file.execute(sql).fetchall()
        with psycopg.connect(self.environ["DATABASE_URL"]) as connection:
            return connection.execute(sql).fetchall()

    def capture(self, number: int) -> dict[str, Any]:
        """What the server knows of a capture."""
        [row] = self.rows(
            f"SELECT {', '.join(COLUMNS)} FROM captures_capturerecord WHERE id = {number}"
        )
        return dict(zip(COLUMNS, row, strict=True))

    async def is_so(self, number: int, condition: str, **members: Any) -> None:
        """Return once the client has told that a capture is as people want it, and how."""

        def told() -> bool:
            has = self.capture(number)
            wanted = {"condition": condition, "applied_revision": has["revision"], **members}
            return has | wanted == has

        try:
            await until(told, f"capture {number} is {condition}", 60)
        except AssertionError as e:
            raise AssertionError(f"{e}; it is {self.capture(number)}") from None

    def ledgers_here(self) -> dict[str, bytes]:
        """The bytes of all ledgers of the client, by their ids."""
        found = {}
        for path in (self.folder / "data").rglob("*.ledger.jsonl"):
            for ledger in ledgers_of(path):
                self.assertEqual(ledger.begin, 0)
                found[ledger.id] = ledger.read(0, ledger.end)
        return found

    def ledgers_there(self) -> dict[str, bytes]:
        """The bytes of all ledgers that the server holds, by their ids."""
        found: dict[str, bytes] = {}
        for name, offset, data in self.rows(
            'SELECT l.name, p."offset", p.data FROM accounts_ledgerpiece p '
            'JOIN accounts_ledgerrecord l ON p.ledger_id = l.id ORDER BY l.id, p."offset"'
        ):
            self.assertEqual(len(found.setdefault(name, b"")), offset)
            found[name] += bytes(data)
        return found

    async def more_posts(self, client: Running, name: str) -> None:
        """Return once more posts of a capture are on the disk."""
        enough = lines_of(self.folder, name) + 20

        def there() -> bool:
            client.check()
            return lines_of(self.folder, name) >= enough

        await until(there, f"posts of {name}", 60)

    async def have_the_same_ledgers(self, client: Running) -> None:
        """Return once the server has all ledgers."""

        def equal() -> bool:
            client.check()
            return self.ledgers_there() == self.ledgers_here()

        await until(equal, "the same ledgers on both sides", 60)

    def _new_database(self) -> str:
        """Make a database beside that of the tests, which is dropped in the end."""
        base, _, _ = str(self.database).rpartition("/")
        name = f"tcc_e2e_{os.getpid()}_{secrets.token_hex(4)}"

        def act(statement: str) -> None:
            with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
                connection.execute(f"{statement} DATABASE {name}")  # type: ignore[call-overload]

        act("CREATE")
        self.addCleanup(act, "DROP")

        async def end() -> None:
            if self.server_process.status is None:
                await self.server_is_killed()

        self.addCleanup(lambda: Deferred.fromCoroutine(end()))
        return f"{base}/{name}"


def lines_of(folder: Path, name: str) -> int:
    """Return how many posts of a capture are on the disk."""
    while True:
        files: dict[int, bytes] = {}  # one that gets its final name has both for a moment
        with contextlib.suppress(FileNotFoundError):  # or has just lost the other
            for path in (folder / "data" / name).glob(f"{name}2*"):
                if path.suffix != ".torn":
                    files[path.stat().st_ino] = path.read_bytes()
            return sum(content.count(b"\n") for content in files.values())
