"""
A database that is locked, full or away, under the load of clients that report.

Each answer meanwhile is a 503 that says when to come again; what was accepted is there afterwards.
"""

import json
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
from django.db import InterfaceError, OperationalError, connection
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tcserver.environment import DATABASE_FILE
from tcserver.outages import QUIET, OutageLog
from tests.e2e.processes import Running, python, start, until
from tests.faults.disks import HOLD, fill
from tests.faults.private import ALONE, beside, needed, seen_by
from tests.marks import Need, needs
from tests.tcserver.case import DatabaseCase
from tests.tcserver.postgres import PrivatePostgres
from tests.tcserver.reporters import Reporters, ask

SEED = """
import json
from tests.tcserver.world import World
world = World()
print(json.dumps({"token": world.token, "job": world.demo.pk, "key": world.key(world.rita)}))
"""
BACK = 30.0
"""Seconds in which the server answers again on a loaded machine; it takes less than one."""


@attrs.define
class Installation:
    """A server that runs, on whatever database."""

    server: Running
    url: str
    token: str
    job: int
    key: str

    def get(self, path: str, token: str = "") -> Any:
        """Status, headers and body of a page."""
        return ask(f"{self.url}{path}", token or self.token)


@needs(Need.PROCESSES)
class OutageTests(TestCase):
    timeout = 300

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.prefix: list[str] = []
        self.environ: dict[str, str] = {}

    def tcserver(self, *arguments: str) -> Running:
        """A command of the installation."""
        command = [*self.prefix, *python("-m", "tcserver", *arguments, "--data", "data")]
        return start(self, self.folder, command, **self.environ)

    async def installed(self) -> Installation:
        """A server with a small world that serves it."""
        first = self.tcserver("up", "--listen", "127.0.0.1:0")
        await first.says("shown this once")
        await first.end(signal.SIGTERM)
        seeded = await self.tcserver("shell", "-v", "0", "-c", SEED).finished()
        self.assertEqual(seeded.status, 0, seeded.err)
        server = self.tcserver("up", "--listen", "127.0.0.1:0")
        await server.says("The capture server is at")
        [url] = re.findall(r"(http://127\.0\.0\.1:\d+)/", server.out)
        return Installation(server, url, **json.loads(seeded.out.splitlines()[-1]))

    async def loaded(self, site: Installation) -> Reporters:
        """Reporters of which the server has accepted something."""
        reporters = Reporters(f"{site.url}/api/", site.token, site.job)
        self.addCleanup(reporters.end)
        await self.accepts_more(reporters)
        return reporters

    async def accepts_more(self, reporters: Reporters) -> None:
        """Return once the server has accepted further updates."""
        before = len(reporters.accepted)
        more = lambda: reporters.wrong or len(reporters.accepted) > before + 20  # noqa: E731
        await until(more, f"more accepted than {before}: {reporters.statuses}", BACK)
        self.assertEqual(reporters.wrong, [])

    async def refuses(self, reporters: Reporters) -> None:
        """Return once the server has refused a few."""
        before = reporters.statuses[503]
        more = lambda: reporters.wrong or reporters.statuses[503] > before + 5  # noqa: E731
        await until(more, f"more refused than {before}: {reporters.statuses}", BACK)
        self.assertEqual(reporters.wrong, [])

    async def ends_well(self, site: Installation, reporters: Reporters) -> None:
        """
        All goes on, nothing that was accepted is missing, and the log has one line of it, and each
        time at most two of each work that was interrupted: that it was, and that it goes on.
        """
        await self.accepts_more(reporters)
        await deferToThread(reporters.end)
        self.assertEqual(reporters.wrong, [])
        self.assertEqual(await deferToThread(reporters.missing), set())
        said = site.server.err
        lines = [line for line in said.splitlines() if "tcserver.working: " not in line]
        self.assertEqual(len(lines), 1, said)
        for work in ("housekeeping", "alerts"):
            for what in ("it is tried again", "it goes on"):
                self.assertLessEqual(said.count(f"The {work}: {what}"), 2, said)
        self.assertIn("The database cannot be used, answers are 503: ", site.server.err)

    async def is_alive(self, site: Installation) -> None:
        """The process says that it lives, whatever is held up."""
        self.assertEqual((await deferToThread(site.get, "/healthz"))[::2], (200, b"ok\n"))

    async def test_sqlite_is_locked(self) -> None:
        """By another process, for longer than is waited for."""
        site = await self.installed()
        reporters = await self.loaded(site)
        with closing(sqlite3.connect(self.folder / "data" / DATABASE_FILE)) as other:
            other.execute("BEGIN IMMEDIATE")
            await self.refuses(reporters)
            await self.is_alive(site)
            other.rollback()
        await self.ends_well(site, reporters)

    async def test_the_disk_is_full(self) -> None:
        needed()
        holder = start(self, self.folder, [*ALONE, "sh", "-c", HOLD, "sh", "3600"])
        await holder.says("held\n")
        self.prefix = beside(holder.pid, self.folder)
        site = await self.installed()
        reporters = await self.loaded(site)
        filler = fill(seen_by(holder.pid, self.folder / "data"))
        await self.refuses(reporters)
        await self.is_alive(site)
        self.assertEqual((await deferToThread(site.get, "/login/"))[0], 200)
        filler.unlink()
        await self.ends_well(site, reporters)

    async def test_postgresql_is_restarted(self) -> None:
        """After it has said good-bye, and after a crash."""
        postgres = PrivatePostgres(self)
        self.environ = {"DATABASE_URL": postgres.url}
        site = await self.installed()
        reporters = await self.loaded(site)
        for mode in ("fast", "immediate"):
            await deferToThread(postgres.stop, mode)
            await self.refuses(reporters)
            await self.is_alive(site)
            self.assertEqual((await deferToThread(site.get, "/readyz"))[0], 503)
            await deferToThread(postgres.start)
            await self.accepts_more(reporters)
        await self.ends_well(site, reporters)


class LogTests(SynchronousTestCase):
    """What the log says of an outage."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.outages = OutageLog(self.clock.seconds)

    def test_it_is_said_once(self) -> None:
        """However many are refused; also while some are answered between."""
        with self.assertLogs("tcserver.outages") as said:
            for _ in range(5):
                self.outages.fails(OperationalError("database is locked\nand more"))
                self.clock.advance(QUIET - 1)
                self.outages.works()
        [line] = said.output
        self.assertTrue(line.endswith("answers are 503: database is locked"), line)

    def test_its_end(self) -> None:
        """Once nobody was refused for a while; the next one is said again."""
        with self.assertLogs("tcserver.outages") as said:
            self.outages.fails(InterfaceError("gone"))
            self.clock.advance(10)
            self.outages.fails(InterfaceError("gone"))
            self.clock.advance(QUIET)
            self.outages.works()
            self.outages.works()
            self.outages.fails(InterfaceError("gone"))
        self.assertEqual(len(said.output), 3)
        self.assertIn("answers; 2 requests were refused in 10 s.", said.output[1])


class AnswerTests(DatabaseCase):
    """What is answered where any statement fails."""

    def test_every_way_of_asking(self) -> None:
        """A page for browsers, JSON for programs; each says when to ask again."""
        browser = self.world.browser(self.world.rita)
        shown = {"Authorization": f"Token {self.world.token}"}

        def fail(*_: object) -> None:
            raise OperationalError("no")

        with connection.execute_wrapper(fail), self.assertLogs("tcserver.outages"):
            page = browser.get("/captures/")
            answer = browser.get("/api/activejobs/", headers=shown)
        for got, kind in ((page, "text/html"), (answer, "application/json")):
            self.assertEqual((got.status_code, got["Retry-After"]), (503, "5"))
            self.assertTrue(got["Content-Type"].startswith(kind))
        self.assertIn("Not available now", page.content.decode())
        self.assertEqual(answer.json(), {"detail": "The database is not available now."})
        self.assertIn("X-Request-ID", page.headers)
