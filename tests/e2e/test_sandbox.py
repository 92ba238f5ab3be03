"""The sandbox as a newcomer meets it: what it says is there, and the lines to paste work."""

import contextlib
import json
import os
import re
import signal
import socket
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tcclient.config.settings import load
from tcsandbox.both import SERVER_PORT, TWITTER_PORT
from tests.e2e.processes import LIMIT, ROOT, Finished, Running, python, run, start, twistd, until

_LINE = re.compile(r"^  (stop|start|re-key|look) +(curl .+)$", re.MULTILINE)
_V1_DATE = "%a %b %d %H:%M:%S %z %Y"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/")


class SandboxTests(TestCase):
    timeout = 90

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.sandbox = self.folder / "sandbox"
        self.data = self.sandbox / "data" / "demo"

    def start(self, *options: str) -> Running:
        """`twistd -n tcc --sandbox sandbox`, and perhaps more."""
        return start(self, self.folder, twistd("-n", "tcc", "--sandbox", "sandbox", *options))

    def start_with_one_job(self) -> Running:
        """The same on v1.1, which need not wait for rules to take effect."""
        return self.start("--sandbox-api", "1.1")

    def posts(self) -> list[bytes]:
        """All lines on disk, of finished files and of the current one."""
        files = [*sorted(self.data.glob("*.json")), *sorted(self.data.glob("*.tmp"))]
        lines: list[bytes] = []
        for path in files:
            with contextlib.suppress(FileNotFoundError):  # it has just got its final name
                lines += path.read_bytes().splitlines()
        return lines

    async def more_posts(self, client: Running, more: int = 5) -> None:
        """Return once so many posts more are on disk."""
        enough = len(self.posts()) + more

        def there() -> bool:
            client.check()
            return len(self.posts()) >= enough

        await until(there, f"{more} posts more")

    async def posts_match(self, client: Running, pattern: bytes, after: int) -> None:
        """Return once one of the posts on disk matches, `after` so many of them."""

        def there() -> bool:
            client.check()
            return re.search(pattern, b"\n".join(self.posts()[after:])) is not None

        await until(there, f"posts that match {pattern!r}")

    async def paste(self, client: Running, name: str) -> str:
        """What the line called `name`, as it was printed, says in another terminal."""
        line = dict(_LINE.findall(client.out))[name]
        pasted = await run(self, self.folder, ["bash", "-c", line])
        self.assertEqual((pasted.err, pasted.status), ("", 0), line)
        return pasted.out

    async def status_is(self, client: Running, status: int) -> dict[str, object]:
        """Return the job once the server has it in that status."""
        deadline = reactor.seconds() + LIMIT
        while reactor.seconds() < deadline:
            job = json.loads(await self.paste(client, "look"))
            if job["status"] == status:
                return job
            await deferLater(reactor, 0.2)
        raise AssertionError(f"status {job['status']}, not {status}, after {LIMIT:g} s")

    async def test_the_lines_to_paste(self) -> None:
        """Stop finishes the file and is answered; start goes on; other keywords are tracked."""
        client = self.start()
        await client.says("Ctrl-C")
        await self.more_posts(client)

        self.assertEqual(await self.paste(client, "stop"), "")
        job = await self.status_is(client, 5)
        self.assertEqual(list(self.data.glob("*.tmp")), [])
        stopped = len(self.posts())
        self.assertEqual(job["total_count"], stopped)

        self.assertEqual(await self.paste(client, "start"), "")
        self.assertEqual(await self.paste(client, "re-key"), "")
        await self.status_is(client, 3)
        # A poll may have come between the two lines: then posts for the old ones come first.
        await self.posts_match(client, rb"(?i)espresso|iced.+coffee|coffee.+iced", stopped)

        ended = await client.end(signal.SIGINT)
        self.assertEqual(ended.err, "")
        self.assertIn("files are finished", ended.out)
        self.assertEqual(list(self.data.glob("*.tmp")), [])

    async def test_the_website(self) -> None:
        """Whoever logs in as the console says sees both captures run, with their numbers."""
        client = self.start()
        await client.says("Ctrl-C")
        await self.more_posts(client)
        [address, name, password] = re.findall(
            r"capture server +(http\S+) +log in as (\w+) with the password (\w+)", client.out
        )[0]
        browser = ["curl", "-fsSL", "-c", "cookies", "-b", "cookies", "-e", address]
        login = await run(self, self.folder, [*browser, f"{address}login/"])
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', login.out)
        fields = f"csrfmiddlewaretoken={token}&username={name}&password={password}"
        page = await run(self, self.folder, [*browser, "-d", fields, f"{address}login/"])
        self.assertEqual(page.err, "")
        for name in ("demo", "cold"):
            self.assertRegex(page.out, rf"(?s)>{name}</a>.*?(running|starting).*?sandbox")
        await client.end(signal.SIGINT)

    async def test_without_the_server(self) -> None:
        """Where the extra is not installed, the stand-in takes its place."""
        hidden = self.folder / "hidden" / "daphne"
        hidden.mkdir(parents=True)
        (hidden / "__init__.py").write_text("raise ModuleNotFoundError('daphne')")
        command = twistd("-n", "tcc", "--sandbox", "sandbox", "--sandbox-api", "1.1")
        path = os.pathsep.join((str(hidden.parent), str(ROOT)))
        client = start(self, self.folder, command, PYTHONPATH=path)
        await self.more_posts(client)
        self.assertRegex(client.out, r"capture server +http\S+/api/  a stand-in; what runs there")
        self.assertEqual(json.loads(await self.paste(client, "look"))["name"], "demo")
        await client.end(signal.SIGINT)

    async def test_no_pid_file(self) -> None:
        """It leaves none where it was started, not even when it is killed, and heeds none."""
        (self.folder / "twistd.pid").write_text("1")
        client = self.start_with_one_job()
        await self.more_posts(client)
        self.assertEqual((self.folder / "twistd.pid").read_text(), "1")
        (self.folder / "twistd.pid").unlink()
        await client.end(signal.SIGKILL)
        self.assertEqual(list(self.folder.glob("*.pid")), [])

    async def test_dates(self) -> None:
        """Those of both ends, and of what the client writes, are today's: all share one reactor."""
        began = time.time()
        client = self.start_with_one_job()
        await self.more_posts(client)
        line = dict(_LINE.findall(client.out))["look"]
        looked = await run(self, self.folder, ["bash", "-c", f"{line} -i"])
        await client.end(signal.SIGINT)
        posts = [json.loads(post) for post in self.posts()]
        ledger = (self.data / "demo.ledger.jsonl").read_text().splitlines()
        head, body = looked.out.replace("\r", "").split("\n\n")
        [date] = [line for line in head.splitlines() if line.lower().startswith("date:")]
        dates = [parsedate_to_datetime(date.partition(": ")[2])]
        dates += [datetime.strptime(post["created_at"], _V1_DATE) for post in posts]
        dates += [datetime.fromisoformat(json.loads(line)["at"]) for line in ledger]
        dates += [datetime.fromisoformat(json.loads(body)["ping_date"])]
        for found in dates:
            self.assertTrue(began - 2 <= found.timestamp() <= time.time() + 1, found)

    async def test_again_in_the_same_folder(self) -> None:
        """It goes on where it ended, at other ports if the usual ones are taken."""
        first = self.start_with_one_job()
        await self.more_posts(first, 10)
        await first.end(signal.SIGINT)
        before = self.posts()

        with contextlib.ExitStack() as taken:
            for port in (TWITTER_PORT, SERVER_PORT):
                with contextlib.suppress(OSError):  # somebody else has it: just as well
                    other = taken.enter_context(socket.socket())
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    other.bind(("127.0.0.1", port))
                    other.listen()
            second = self.start_with_one_job()
            await self.more_posts(second)
        ports = {int(port) for port in _ADDRESS.findall(second.out)}
        self.assertEqual(len(ports), 2)
        self.assertEqual(ports & {TWITTER_PORT, SERVER_PORT}, set())
        await second.end(signal.SIGINT)
        self.assertTrue(self.posts()[: len(before)] == before, "what was there has changed")
        [*_, last] = (self.data / "demo.ledger.jsonl").read_text().splitlines()
        self.assertEqual(json.loads(last)["account"]["posts"], len(self.posts()))

    async def test_a_second_one_in_the_same_folder(self) -> None:
        """It says so and ends; nothing in the folder changes, and the first one goes on."""
        first = self.start_with_one_job()
        await self.more_posts(first)
        settings = (self.sandbox / "settings.json").read_bytes()
        second = twistd("-n", "--pidfile=", "tcc", "--sandbox", "sandbox")
        self.assertEqual(
            await run(self, self.folder, second),
            Finished(
                "",
                f"A sandbox runs in {self.sandbox} already: end that one, or give this one "
                "another folder.\n",
                1,
            ),
        )
        self.assertEqual((self.sandbox / "settings.json").read_bytes(), settings)
        await self.more_posts(first)
        await first.end(signal.SIGINT)

    async def test_its_settings_are_an_example_that_works(self) -> None:
        """They pass --check while the sandbox runs."""
        client = self.start()
        await client.says("Ctrl-C")
        path = self.sandbox / "settings.json"
        self.assertEqual(load(path, {}).output.base_dir, self.sandbox / "data")
        command = twistd("-n", "--pidfile=", "tcc", "--config", str(path), "--check")
        check = await run(self, self.folder, command)
        self.assertEqual((check.err, check.status), ("", 0), check)
        self.assertNotIn("FAIL", check.out)
        await client.end(signal.SIGINT)

    async def test_a_settings_file_that_is_not_its_own(self) -> None:
        """It is left alone, and told of: it may hold somebody's only copy of their keys."""
        self.sandbox.mkdir()
        path = self.sandbox / "settings.json"
        for text in ('{"server": {"auth_token": "real"}}', "not JSON", "[]"):
            path.write_text(text)
            self.assertEqual(
                await self.start().finished(),
                Finished(
                    "",
                    f"The sandbox cannot be set up in {self.sandbox}: the settings.json there is "
                    "not a sandbox's, and would be overwritten.\n",
                    1,
                ),
            )
            self.assertEqual(path.read_text(), text)
        self.assertEqual(list(self.sandbox.iterdir()), [path])

    async def test_each_end_alone(self) -> None:
        """In processes of their own they serve a client with settings made by hand."""
        module = "tcsandbox"
        twitter = start(
            self,
            self.folder,
            python("-m", f"{module}.twitter", "--port", "0", "--rate", "50", "--journal", "sent"),
        )
        server = start(
            self, self.folder, python("-m", f"{module}.server", "--port", "0", "--job", "demo:tea")
        )
        await twitter.says('"twitter_auth": ')
        await server.says("jobs: 1 'demo'")
        _, v1, _, keys = twitter.out.splitlines()
        [token] = re.findall("[0-9a-f]{40}", server.out)
        [url] = re.findall(r"http://\S+/", server.out)
        settings = {
            "server": {"base_url": url, "client_id": 1, "auth_token": token},
            **json.loads(f"{{{v1}, {keys}}}"),
        }
        (self.folder / "settings.json").write_text(json.dumps(settings))
        self.data = self.folder / "data" / "demo"
        client = start(self, self.folder, twistd("-n", "tcc", "--config", "settings.json"))
        await self.more_posts(client, 20)
        await client.end(signal.SIGINT)
        for end in (twitter, server):
            ended = await end.end(signal.SIGINT)
            self.assertEqual(ended.err, "")
        journal = (self.folder / "sent").read_text().split("\n")[:-1]
        sent = {int(line.split()[-1]) for line in journal if not line.startswith("#")}
        self.assertEqual({json.loads(post)["id"] for post in self.posts()} - sent, set())
