"""The command `tcserver`, as its users start it, in processes of its own."""

import json
import re
import signal
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tcserver.environment import DATABASE_FILE
from tcserver.keys import FILE
from tests.e2e.processes import Finished, Running, python, run, start
from tests.marks import Need, needs


@needs(Need.PROCESSES)
class CommandTests(TestCase):
    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    def up(self, *options: str) -> Running:
        """`tcserver up` in a folder that is made by it, at any free port."""
        command = ("-m", "tcserver", "up", "--data", "site", "--listen", "127.0.0.1:0", *options)
        return start(self, self.folder, python(*command))

    async def tcserver(self, *arguments: str, **environ: str) -> Finished:
        """A command that ends by itself."""
        return await run(self, self.folder, python("-m", "tcserver", *arguments), **environ)

    async def page(self, url: str, **headers: str) -> str:
        """The body of a page, asked for in a thread."""
        request = urllib.request.Request(url, headers=headers)

        def fetch() -> str:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.read().decode()

        return await deferToThread(fetch)

    async def test_help(self) -> None:
        """It needs no folder and makes none; a client may have its name."""
        for asked in (
            (),
            ("help",),
            ("--help",),
            ("help", "up"),
            ("up", "--help"),
            ("client", "-h"),
        ):
            told = await self.tcserver(*asked)
            self.assertEqual((told.status, told.err), (0, ""), asked)
            self.assertIn("tcserver", told.out)
        self.assertEqual([*self.folder.iterdir()], [])
        told = await self.tcserver("client", "help")
        self.assertIn("holds no server yet", told.err)

    async def test_the_first_start(self) -> None:
        """In an empty folder: an address that answers, a login, secrets that others cannot read."""
        began = reactor.seconds()
        server = self.up()
        await server.says("shown this once")
        self.assertLess(reactor.seconds() - began, 60)
        [url] = re.findall(r"http://127\.0\.0\.1:\d+/", server.out)
        self.assertRegex(server.out, r"Log in as admin with the password \S{16}\n")
        self.assertIn("Log in", await self.page(url))
        self.assertEqual(await self.page(f"{url}readyz"), "ok\n")
        self.assertEqual((self.folder / "site" / FILE).stat().st_mode & 0o777, 0o600)
        self.assertTrue((self.folder / "site" / DATABASE_FILE).exists())
        ended = await server.end(signal.SIGTERM)
        self.assertEqual((ended.err, ended.status), ("", 0))

    async def test_the_second_start(self) -> None:
        """It shows no login, and a client that was made meanwhile gets its captures."""
        first = self.up()
        await first.says("shown this once")
        await first.end(signal.SIGINT)
        made = await self.tcserver(
            "client", "lab", "--data", "site", "--server", "https://x.example"
        )
        settings = json.loads(made.out)
        self.assertEqual(made.err, "")
        self.assertEqual(settings["server"]["base_url"], "https://x.example/api/")
        second = self.up()
        await second.says("The capture server is at")
        [url] = re.findall(r"http://127\.0\.0\.1:\d+/", second.out)
        token = {"Authorization": f"Token {settings['server']['auth_token']}"}
        jobs = json.loads(await self.page(f"{url}api/activejobs/", **token))
        self.assertEqual(jobs["count"], 0)
        self.assertNotIn("password", second.out)
        other = await self.tcserver("client", "lab 2", "--data", "site")
        self.assertEqual(json.loads(other.out)["server"]["base_url"], "http://127.0.0.1:8000/api/")
        self.assertIn("if that is not its address", other.err)
        again = await self.tcserver("client", "lab", "--data", "site")
        self.assertEqual((again.out, again.status), ("", 1))
        self.assertIn("There is a client 'lab' already.", again.err)
        await second.end(signal.SIGTERM)

    async def test_mistakes_are_one_sentence(self) -> None:
        """Each ends the command, names what is wrong, and shows no secret."""
        (self.folder / "file").write_text("")
        (self.folder / "garbage").mkdir()
        (self.folder / "garbage" / DATABASE_FILE).write_text("no database " * 1000)
        for arguments, environ, said in [
            (("up", "--data"), {}, "--data takes"),
            (("up", "--data", "file"), {}, "cannot hold the server's data"),
            (("up", "--data", "site", "--listen", "nowhere"), {}, "--listen takes"),
            (("up", "--data", "site"), {"DATABASE_URL": "mysql://u:secret@h/d"}, "DATABASE_URL"),
            (("up", "--data", "site"), {"SITE_URL": "x"}, "SITE_URL"),
            (("up", "--data", "site"), {"TRUSTED_PROXIES": "x"}, "TRUSTED_PROXIES"),
            (("check", "--data", "site"), {"TCSERVER_DEBUG": "1"}, "TCSERVER_DEBUG"),
            (("up", "--data", "garbage"), {}, "The database cannot be used: file is not a"),
            (
                ("up", "--data", "site", "--listen", "203.0.113.9:8000"),
                {},
                "203.0.113.9 port 8000 cannot be listened on",
            ),
            (
                ("up", "--data", "site"),
                {"DATABASE_URL": "postgres://u:secret@127.0.0.1:1/d?no_such=1"},
                "The database cannot be used",
            ),
            (("client", "x", "--data", "none"), {}, "tcserver up --data"),
            (("migrate", "--data", "none"), {}, "tcserver up --data"),
            (
                ("up", "--data", "site"),
                {"DATABASE_URL": "postgres://u:secret@127.0.0.1:1/d"},
                "The database cannot be used",
            ),
        ]:
            ended = await self.tcserver(*arguments, **environ)
            self.assertEqual((ended.out, ended.err.count("\n")), ("", 1), ended)
            self.assertIn(said, ended.err)
            self.assertNotIn("secret", ended.err)
            self.assertEqual(ended.status, 1)

    async def test_a_disk_without_room(self) -> None:
        """One sentence; the next start, with room, is the first."""
        up = python("-m", "tcserver", "up", "--data", "site")
        full = await run(self, self.folder, ["sh", "-c", 'ulimit -f 0 && exec "$@"', "sh", *up])
        self.assertEqual((full.err.count("\n"), full.status), (1, 1), full)
        self.assertIn("The data cannot be kept in", full.err)
        self.assertEqual(list((self.folder / "site").iterdir()), [])
        again = self.up()
        await again.says("shown this once")
        await again.end(signal.SIGTERM)

    async def test_a_database_of_a_newer_release(self) -> None:
        """It is not written to: this release knows other tables."""
        first = self.up()
        await first.says("shown this once")
        await first.end(signal.SIGTERM)
        with closing(sqlite3.connect(self.folder / "site" / DATABASE_FILE)) as database:
            database.execute(
                "INSERT INTO django_migrations VALUES (NULL, 'people', '9999_new', '2030-01-01')"
            )
            database.commit()
        ended = await self.tcserver("up", "--data", "site", "--listen", "127.0.0.1:0")
        self.assertEqual((ended.out, ended.err.count("\n"), ended.status), ("", 1, 1), ended)
        self.assertIn("newer release", ended.err)

    async def test_a_port_that_is_taken(self) -> None:
        """It says so, and ends."""
        first = self.up()
        await first.says("shown this once")
        [port] = re.findall(r"http://127\.0\.0\.1:(\d+)/", first.out)
        ended = await self.tcserver("up", "--data", "other", "--listen", f"127.0.0.1:{port}")
        self.assertIn(f"127.0.0.1 port {port} cannot be listened on", ended.err)
        self.assertEqual((ended.err.count("\n"), ended.status), (1, 1), ended.err)
        await first.end(signal.SIGTERM)
