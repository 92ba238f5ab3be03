"""The command `tcserver`, as its users start it, in processes of its own."""

import json
import re
import signal
import urllib.request
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
        self.assertEqual(settings["server"]["base_url"], "https://x.example/api/")
        second = self.up()
        await second.says("The capture server is at")
        [url] = re.findall(r"http://127\.0\.0\.1:\d+/", second.out)
        token = {"Authorization": f"Token {settings['server']['auth_token']}"}
        jobs = json.loads(await self.page(f"{url}api/activejobs/", **token))
        self.assertEqual(jobs["count"], 0)
        self.assertNotIn("password", second.out)
        again = await self.tcserver("client", "lab", "--data", "site")
        self.assertEqual((again.out, again.status), ("", 1))
        self.assertIn("There is a client 'lab' already.", again.err)
        await second.end(signal.SIGTERM)

    async def test_mistakes_are_one_sentence(self) -> None:
        """Each ends the command, names what is wrong, and shows no secret."""
        (self.folder / "file").write_text("")
        for arguments, environ, said in [
            (("up", "--data"), {}, "--data takes"),
            (("up", "--data", "file"), {}, "cannot hold the server's data"),
            (("up", "--data", "site", "--listen", "nowhere"), {}, "--listen takes"),
            (("up", "--data", "site"), {"DATABASE_URL": "mysql://u:secret@h/d"}, "DATABASE_URL"),
            (("up", "--data", "site"), {"SITE_URL": "x"}, "SITE_URL"),
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
            self.assertNotEqual(ended.status, 0)

    async def test_a_port_that_is_taken(self) -> None:
        """It says so, and ends."""
        first = self.up()
        await first.says("shown this once")
        [port] = re.findall(r"http://127\.0\.0\.1:(\d+)/", first.out)
        ended = await self.tcserver("up", "--data", "other", "--listen", f"127.0.0.1:{port}")
        self.assertIn(f"127.0.0.1 port {port} cannot be listened on", ended.err)
        self.assertEqual((ended.err.count("\n"), ended.status), (1, 1), ended.err)
        await first.end(signal.SIGTERM)
