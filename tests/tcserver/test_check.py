"""`tcserver check`: what it finds in folders, databases, clocks and proxies that are not well."""

import sqlite3
import ssl
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

from django.core.management import call_command
from django.test import Client as Browser
from django.test import override_settings
from redis import Redis
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tcserver.alertsettings import EMAIL, AlertSettings, MailServer
from tcserver.environment import DATA, DATABASE, DATABASE_FILE, SITE, Environment, read
from tcserver.keys import FILE, make_keys
from tcserver.management.findings import CheckLevel, disk, folder, keys, site
from tcserver.management.proxy import of_proxy
from tcserver.management.redisline import of_redis
from tcserver.management.soundness import ALIAS, of_database, opened
from tcserver.management.telling import of_mail
from tests.certificates import BAD, CA, GOOD
from tests.e2e.processes import Finished, python, run
from tests.marks import Need, needs
from tests.tcserver.livecase import PrivateRedis
from tests.tcserver.receivers import MailReceiver, login, mail_server

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
SECURE = {"Strict-Transport-Security": "max-age=31536000"}


class FileTests(SynchronousTestCase):
    """The folder, its secrets, its address, its disk."""

    def setUp(self) -> None:
        self.data = Path(self.mktemp()).absolute() / "site"
        make_keys(self.data)

    def test_a_folder(self) -> None:
        """Who may look into it, and whether there is anything to be seen."""
        self.assertEqual(folder(self.data).level, CheckLevel.OK)
        (self.data / DATABASE_FILE).touch(0o644)
        for mode, level in [
            (0o700, CheckLevel.OK),
            (0o750, CheckLevel.WARNING),
            (0o755, CheckLevel.WARNING),
            (0o770, CheckLevel.PROBLEM),
        ]:
            self.data.chmod(mode)
            found = folder(self.data)
            self.assertEqual(found.level, level, found)
        self.assertIn(f"chmod 700 {self.data}", found.text)
        self.data.chmod(0o755)
        (self.data / DATABASE_FILE).chmod(0o600)
        self.assertEqual(folder(self.data).level, CheckLevel.OK)
        self.assertEqual(folder(self.data / "none").level, CheckLevel.PROBLEM)
        self.assertEqual(folder(self.data / FILE).level, CheckLevel.PROBLEM)

    def test_secrets(self) -> None:
        """They are there, whole, and secret."""
        self.assertEqual(keys(self.data).level, CheckLevel.OK)
        (self.data / FILE).chmod(0o640)
        self.assertIn("mode 600", keys(self.data).text)
        (self.data / FILE).chmod(0o600)
        (self.data / FILE).write_text("{")
        self.assertEqual(keys(self.data).level, CheckLevel.PROBLEM)
        (self.data / FILE).unlink()
        self.assertEqual(keys(self.data).level, CheckLevel.PROBLEM)

    def test_addresses(self) -> None:
        """By TLS, or on this machine alone."""
        for url, level in [
            ("", CheckLevel.WARNING),
            ("http://captures.example.org", CheckLevel.WARNING),
            ("http://localhost:8000", CheckLevel.OK),
            ("https://captures.example.org", CheckLevel.OK),
        ]:
            found = site(read({SITE: url}))
            self.assertEqual(found.level, level, found)

    def test_room(self) -> None:
        """Shares count on large disks, bytes on small ones."""
        for free, size, level in [
            (500 << 30, 1000 << 30, CheckLevel.OK),
            (50 << 30, 1000 << 30, CheckLevel.WARNING),
            (1 << 29, 1 << 30, CheckLevel.PROBLEM),
            (0, 0, CheckLevel.PROBLEM),
        ]:
            self.assertEqual(disk(free, size).level, level)


class DatabaseTests(SynchronousTestCase):
    """A database that `tcserver migrate` has made in a folder."""

    made: ClassVar[bytes] = b""
    """The database, once the first test has made it."""

    def setUp(self) -> None:
        self.data = Path(self.mktemp()).absolute()
        self.data.mkdir()
        self.environment = read({DATA: str(self.data)})
        self.file = self.data / DATABASE_FILE

    def make(self) -> None:
        """Put a database with all tables, and an administrator, into the folder."""
        if not self.made:
            with opened(self.environment):
                call_command("migrate", database=ALIAS, verbosity=0, interactive=False)
            DatabaseTests.made = self.file.read_bytes()
        self.file.write_bytes(self.made)
        self.sql(
            "INSERT INTO people_user (username, password, first_name, last_name, email, "
            "is_superuser, is_staff, is_active, date_joined) "
            "VALUES ('admin', '', '', '', '', 1, 1, 1, '2026-01-01')"
        )
        self.sql(
            "INSERT INTO alerts_alertchannel (kind, target, salt, at_once, digest, created_at, "
            "failures, off_reason) VALUES ('webhook', 'https://x', '', 1, 'none', ?, 0, '')",
            "2026-01-01",
        )

    def sql(self, statement: str, *values: object) -> None:
        """Run a statement in it."""
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute(statement, values)

    def found(self, environment: Environment | None = None) -> dict[str, tuple[CheckLevel, str]]:
        """What is found by subject."""
        found = of_database(environment or self.environment, NOW)
        return {one.subject: (one.level, one.text) for one in found}

    def test_one_that_is_well(self) -> None:
        """It says what it knows of the clock, and where that comes from."""
        self.make()
        found = self.found()
        self.assertEqual({level for level, _ in found.values()}, {CheckLevel.OK}, found)
        self.assertEqual(found.keys(), {"database", "people", "alerts", "clock"})
        self.assertIn("no client has told", found["clock"][1])
        names = {one.name for one in self.data.iterdir()}
        self.assertEqual(names, {DATABASE_FILE})

    def test_one_that_is_not_there(self) -> None:
        """It is not made by looking; nor is a file of something else taken for it."""
        self.assertIn("is not there", self.found()["database"][1])
        self.assertFalse(self.file.exists())
        self.file.write_bytes(b"no database" * 1000)
        level, text = self.found()["database"]
        self.assertEqual(level, CheckLevel.PROBLEM)
        self.assertIn("not a database", text)

    def test_a_database_that_does_not_answer(self) -> None:
        """Its reason is told, without the password of its address."""
        level, text = self.found(read({DATABASE: "postgres://u:secret@127.0.0.1:1/d"}))["database"]
        self.assertEqual(level, CheckLevel.PROBLEM)
        self.assertIn("cannot be used", text)
        self.assertNotIn("secret", text)

    def test_other_releases(self) -> None:
        """Tables of an older one are made by a command, those of a newer one need it."""
        self.make()
        self.sql("INSERT INTO django_migrations VALUES (NULL, 'people', '9999_new', '2030-01-01')")
        self.assertIn("newer release", self.found()["database"][1])
        self.sql("DELETE FROM django_migrations WHERE app = 'accounts'")
        found = self.found()
        self.assertIn("migrations", found["database"][1])
        self.assertEqual(found.keys(), {"database"})

    def test_nobody_who_can_log_in(self) -> None:
        """An administrator who is not active is none."""
        self.make()
        self.sql("UPDATE people_user SET is_active = 0")
        self.assertEqual(self.found()["people"][0], CheckLevel.PROBLEM)

    def test_channels(self) -> None:
        """Somebody is told, by a way that is set up."""
        self.make()
        self.sql("UPDATE alerts_alertchannel SET kind = 'email'")
        self.assertEqual(self.found()["alerts"][0], CheckLevel.PROBLEM)
        mail = read({DATA: str(self.data), EMAIL: "smtp://mail.example"})
        self.assertEqual(self.found(mail)["alerts"], (CheckLevel.OK, "1 channel."))
        self.sql("UPDATE alerts_alertchannel SET off_since = '2026-01-01'")
        self.assertIn("nobody is told", self.found(mail)["alerts"][1])

    def test_the_clock(self) -> None:
        """It is judged by what was done, and by what clients say of theirs."""
        self.make()
        for number, (offset, hours) in enumerate([(8, 0), (9, 0), (-400, 0), (1000, 2)]):
            self.sql(
                "INSERT INTO fleet_client (name, created_at, version, host, installation, "
                "instance, clock_offset, host_reported_at) VALUES (?, ?, '', '', '', '', ?, ?)",
                str(number),
                "2026-01-01",
                offset,
                str((NOW - timedelta(hours=hours)).replace(tzinfo=None)),
            )
        level, text = self.found()["clock"]
        self.assertEqual(level, CheckLevel.WARNING)
        self.assertIn("most of 3 clients are 8 seconds ahead of this one", text)
        self.sql("UPDATE fleet_client SET clock_offset = -2")
        self.assertEqual(self.found()["clock"], (CheckLevel.OK, "it agrees with 3 clients."))
        self.sql(
            "INSERT INTO history_historyentry (at, act, subject, subject_number, subject_name, "
            "party, party_name, before, after, note, request) VALUES "
            "('2026-06-04 10:00:00', 'x', 'capture', 1, '', 'server', '', '{}', '{}', '', '')"
        )
        level, text = self.found()["clock"]
        self.assertEqual(level, CheckLevel.PROBLEM)
        self.assertIn("3 days after now", text)


class MailServerTests(SynchronousTestCase):
    def test_mail_servers(self) -> None:
        """One that lets this server in is well; nothing is sent to find out."""
        self.assertEqual(of_mail(AlertSettings()).level, CheckLevel.WARNING)
        receiver = MailReceiver()
        options = {"authenticator": login, "auth_require_tls": False}
        with mail_server(receiver, **options) as port:
            for password, level in (("p w", CheckLevel.OK), ("hidden", CheckLevel.PROBLEM)):
                server = MailServer("127.0.0.1", port, "smtp", "ann", password)
                found = of_mail(AlertSettings(server, "tcc@example.org"))
                self.assertEqual(found.level, level, found)
                self.assertNotIn("hidden", str(found))
        self.assertEqual(of_mail(AlertSettings(server)).level, CheckLevel.PROBLEM)
        self.assertEqual(receiver.mails, [])


class ProxyTests(TestCase):
    """What answers at the site's address."""

    def serve(self, status: int, body: bytes, headers: dict[str, str], good: bool = True) -> str:
        """Answer so over TLS until the test is over; return the origin."""

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Answers)
        pem = Path(self.mktemp())
        pem.write_bytes(b"".join((GOOD if good else BAD["another name"]).to_pem()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()

        def end() -> None:
            server.shutdown()
            thread.join()
            server.server_close()

        self.addCleanup(end)
        return f"https://127.0.0.1:{server.server_address[1]}"

    async def test_what_answers(self) -> None:
        """This server by a proxy that says so; anything else is named."""
        trusted = ssl.create_default_context(cadata=CA.to_pem()[1].decode())
        for status, body, headers, good, level, said in [
            (200, b"ok\n", SECURE, True, CheckLevel.OK, "by a proxy that says so"),
            (200, b"ok\n", {}, True, CheckLevel.PROBLEM, "X-Forwarded-Proto"),
            (502, b"ok\n", SECURE, True, CheckLevel.PROBLEM, "status 502"),
            (200, b"<html>", SECURE, True, CheckLevel.PROBLEM, "not answered by this server"),
            (200, b"ok\n", SECURE, False, CheckLevel.PROBLEM, "certificate"),
        ]:
            origin = self.serve(status, body, headers, good)
            found = await deferToThread(of_proxy, origin, trusted)
            self.assertEqual(found.level, level, found)
            self.assertIn(said, found.text)
        found = await deferToThread(of_proxy, "https://127.0.0.1:1", trusted)
        self.assertEqual(found.level, CheckLevel.WARNING)
        self.assertIn("does not answer", found.text)

    def test_what_the_server_says_by_TLS(self) -> None:
        """The header by which the check knows that the proxy says so comes with that alone."""
        proxied = {
            "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
            "SECURE_HSTS_SECONDS": 3600,
        }
        with override_settings(**proxied):
            plain = Browser().get("/healthz")
            secure = Browser().get("/healthz", headers={"X-Forwarded-Proto": "https"})
        self.assertNotIn("Strict-Transport-Security", plain.headers)
        self.assertIn("Strict-Transport-Security", secure.headers)
        self.assertEqual(secure.content, b"ok\n")


@needs(Need.PROCESSES)
class RedisTests(SynchronousTestCase):
    """A Redis of its own, for one that is well, one that lets nobody in, and none at all."""

    def test_without_one(self) -> None:
        """One process needs none; the line says what several would lack."""
        found = of_redis(None)
        self.assertEqual(found.level, CheckLevel.OK)
        self.assertIn("within 3 seconds", found.text)

    def test_what_answers(self) -> None:
        """Its release is named, and what happens without it; a password never is."""
        server = PrivateRedis(self)
        with Redis.from_url(server.url) as redis:
            release = redis.info("server")["redis_version"]
            self.assertIn(f"release {release} takes messages", of_redis(server.url).text)
            redis.execute_command("ACL", "SETUSER", "dumb", "on", ">s", "&*", "+publish")
            redis.execute_command("ACL", "SETUSER", "deaf", "on", ">s", "+info")
        host = server.url.partition("//")[2]
        for user, level, said in [
            ("dumb:s@", CheckLevel.OK, "it takes messages"),
            ("deaf:s@", CheckLevel.PROBLEM, "permissions"),
            ("dumb:hidden@", CheckLevel.PROBLEM, "invalid username-password pair"),
        ]:
            found = of_redis(f"redis://{user}{host}")
            self.assertEqual(found.level, level, found)
            self.assertIn(said, found.text)
            self.assertIn("within 3 seconds", found.text)
            self.assertNotIn("hidden", found.text)
        server.kill()
        found = of_redis(server.url)
        self.assertEqual(found.level, CheckLevel.PROBLEM)
        self.assertRegex(found.text, "cannot be used: .*refused")


@needs(Need.PROCESSES)
class CommandTests(TestCase):
    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    async def tcserver(self, *arguments: str) -> Finished:
        """A command that ends by itself."""
        return await run(self, self.folder, python("-m", "tcserver", *arguments, "--data", "site"))

    async def test_lines_and_status(self) -> None:
        """A folder that is not there is as good a question as any; each finding is a line."""
        nothing = await self.tcserver("check")
        self.assertEqual((nothing.err, nothing.status), ("", 1))
        self.assertRegex(nothing.out, r"(?m)^problem  folder: .* is not there")
        make_keys(self.folder / "site")
        await self.tcserver("migrate")
        empty = await self.tcserver("check")
        self.assertEqual((empty.err, empty.status), ("", 1))
        self.assertRegex(empty.out, r"(?m)^problem  people: ")
        self.assertRegex(empty.out, r"(?m)^warning  site: SITE_URL is not set")
        self.assertRegex(empty.out, r"(?m)^ok       database: sqlite answers")
        self.assertRegex(empty.out, r"(?m)^ok       Redis: REDIS_URL is not set")
        await self.tcserver("shell", "--command", ADMINISTRATOR)
        well = await self.tcserver("check")
        self.assertNotIn("people: no", well.out)
        problems = [line for line in well.out.splitlines() if line.startswith("problem")]
        # The disk of whoever runs this may be full.
        self.assertEqual([line for line in problems if "disk:" not in line], [])
        self.assertEqual(well.status, 1 if problems else 0)


ADMINISTRATOR = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser("admin", "", "correct horse")
"""
