"""`tcserver alerts` as processes of their own: killed in the middle of a delivery, and several."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tcserver.environment import DATABASE_FILE
from tcserver.keys import make_keys
from tests.e2e.processes import Finished, Running, python, run, start, until
from tests.marks import Need, needs
from tests.tcserver.postgres import PrivatePostgres
from tests.tcserver.receivers import HookServer, MailReceiver, hook_server, mail_server

MANY = 40
ASK = """
from django.utils import timezone
from tcserver.alerts.models import AlertChannel
from tcserver.alerts.services.channels import NewChannel, create_channel
from tcserver.alerts.services.tell import tell
from tcserver.alerts.wording import trial
from tcserver.history.acts import by_server
now = timezone.now()
create_channel(NewChannel("webhook", {url!r}, True, "none"), by_server(now))
for _ in range({count}):
    tell(AlertChannel.objects.all(), trial(""), now)
"""


@needs(Need.PROCESSES)
class AlertProcessTests(TestCase):
    timeout = 240

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        make_keys(self.folder / "site")
        self.environ = {"ALERT_ALLOWED_NETWORKS": "127.0.0.0/8"}

    async def tcserver(self, *arguments: str) -> Finished:
        """A command that ends by itself, and well."""
        command = python("-m", "tcserver", *arguments, "--data", "site")
        done = await run(self, self.folder, command, **self.environ)
        self.assertEqual(done.status, 0, done.err)
        return done

    def alerts(self) -> Running:
        """The alerts, until a signal."""
        command = python("-m", "tcserver", "alerts", "--data", "site")
        return start(self, self.folder, command, **self.environ)

    def hook(self) -> HookServer:
        """A receiver of webhooks, until the test is over."""
        opened = hook_server()
        server = opened.__enter__()
        self.addCleanup(opened.__exit__, None, None, None)
        return server

    async def prepared(self, count: int) -> HookServer:
        """A database with a channel, and so many messages that are due there."""
        server = self.hook()
        await self.tcserver("migrate")
        await self.tcserver("shell", "--command", ASK.format(url=server.url, count=count))
        return server

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """What the database has, or None for a write."""
        with closing(sqlite3.connect(self.folder / "site" / DATABASE_FILE)) as database, database:
            return database.execute(sql).fetchall()

    async def test_a_kill_in_the_middle(self) -> None:
        """The message is sent once more, under the same id, and its first attempt says so."""
        server = await self.prepared(1)
        server.held.clear()
        killed = self.alerts()
        self.assertTrue(await deferToThread(server.arrived.wait, 60))
        await killed.end(signal.SIGKILL)
        server.held.set()
        await self.tcserver("alerts", "--once")
        self.assertEqual(len(server.requests), 1)  # whoever has it may live still
        self.rows("UPDATE alerts_notification SET due_at = '2026-01-01 00:00:00'")
        again = await self.tcserver("alerts", "--once")
        self.assertIn("may have arrived", again.err)
        await self.tcserver("alerts", "--once")
        numbers = [headers["webhook-id"] for _, headers, _ in server.requests]
        self.assertEqual((len(numbers), len({*numbers})), (2, 1))
        tries = self.rows("SELECT result FROM alerts_deliveryattempt ORDER BY id")
        self.assertEqual(tries, [("interrupted",), ("sent",)])

    async def test_beside_the_server(self) -> None:
        """`tcserver up` sends what is due by e-mail, and asks the dead-man's switch."""
        receiver, hook = MailReceiver(), self.hook()
        opened = mail_server(receiver)
        port = opened.__enter__()
        self.addCleanup(opened.__exit__, None, None, None)
        self.environ |= {"EMAIL_URL": f"smtp://127.0.0.1:{port}", "ALERT_HEARTBEAT_URL": hook.url}
        await self.tcserver("migrate")
        code = ASK.format(url="ann@example.org", count=1).replace('"webhook"', '"email"')
        await self.tcserver("shell", "--command", code)
        command = python("-m", "tcserver", "up", "--data", "site", "--listen", "127.0.0.1:0")
        server = start(self, self.folder, command, **self.environ)
        await until(lambda: receiver.mails and hook.requests, "mail and heartbeat have come")
        self.assertEqual((await server.end()).status, 0)
        self.assertEqual(receiver.mails[0]["Subject"], "A test message")

    async def test_several_on_postgresql(self) -> None:
        """Each message is sent once; a signal ends them in order."""
        postgres = await deferToThread(PrivatePostgres, self)
        self.environ["DATABASE_URL"] = postgres.url
        server = await self.prepared(MANY)
        both = [self.alerts(), self.alerts()]
        await until(lambda: len(server.requests) >= MANY, "all have arrived")
        for one in both:
            done = await one.end()
            self.assertEqual((done.status, done.err), (0, ""))
        await self.tcserver("alerts", "--once")
        numbers = [headers["webhook-id"] for _, headers, _ in server.requests]
        self.assertEqual((len(numbers), len({*numbers})), (MANY, MANY))
