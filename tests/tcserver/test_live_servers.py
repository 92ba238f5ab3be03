"""
Two servers, `tcserver up`, on one PostgreSQL and one Redis: a client at one, a page at the other.

The client and the page are those of another library, `websockets`, on real sockets.
"""

import base64
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from copy import copy
from pathlib import Path
from shutil import rmtree, which
from socket import create_server
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.marks import Need
from tests.tcserver.livecase import HELLO, LONG, PrivateRedis
from tests.tcserver.postgres import PrivatePostgres

NEEDED = Need.PROCESSES
VERY_LONG = 60.0
MADE = """
from django.test import Client
from django.utils import timezone
from tcserver.captures.services.create import NewCapture, create
from tcserver.captures.status import Wanted
from tcserver.fleet.services.clients import create_client
from tcserver.fleet.services.tokens import issue
from tcserver.history.acts import by_server
from tcserver.people.models import Project, User
from tcserver.people.services.keys import issue_key
act, admin = by_server(timezone.now()), User.objects.get()
project = Project.objects.get().pk
client = create_client("lab", [project], act)
issue(client.pk, act, token="{token}")
issue_key(admin, "test", act, may_write=True, key="{key}")
browser = Client()
browser.force_login(admin)
new = NewCapture(project, "{job}", "{keywords}", client=client.pk, wanted=Wanted.{wanted})
print(browser.cookies["sessionid"].value, client.pk, create(new, act).pk)
"""
"""What makes a client and a capture in a new site; prints a session, and both numbers."""


def free_address() -> str:
    """A port of loopback at which nobody listens."""
    with create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


class UpServer:
    """One `tcserver up`, which a test may kill."""

    def __init__(self, test: SynchronousTestCase, folder: Path, environ: dict[str, str]) -> None:
        self.command = [sys.executable, "-m", "tcserver", "up", "--data", str(folder)]
        self.environ, self.listen = environ, free_address()
        self.log = folder.parent / f"{secrets.token_hex(4)}.log"
        self._sockets = ExitStack()
        self.start()
        test.addCleanup(self.kill)
        test.addCleanup(self._sockets.close)

    def start(self) -> None:
        """Return once it serves."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*self.command, "--listen", self.listen],
                env=self.environ,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert "is at http://" in said, self.log.read_text()

    def behind(self, listen: str) -> "UpServer":
        """It, or another one, as it is reached by a proxy."""
        front = copy(self)
        front.listen = listen
        return front

    def kill(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def opened(self, url: str, greeting: object, **options: Any) -> ClientConnection:
        """A socket at which something has been said."""
        where = f"ws://{self.listen}{url}"
        socket = self._sockets.enter_context(connect(where, open_timeout=LONG, **options))
        socket.send(json.dumps(greeting))
        return socket

    def client(self, token: str, **members: Any) -> ClientConnection:
        """A client that has said hello here."""
        headers = {"Authorization": f"Token {token}"}
        offers = {"subprotocols": ["tcc.1"], "additional_headers": headers}
        return self.opened("/ws/client/", HELLO | members, **offers)

    def page(self, session: str, watch: str) -> ClientConnection:
        """A page that watches."""
        headers = {"Cookie": f"sessionid={session}"}
        of_this_site = {"origin": f"http://{self.listen}", "additional_headers": headers}
        return self.opened("/ws/site/", {"watch": [watch]}, **of_this_site)

    def ask(self, method: str, path: str, key: str, **members: Any) -> Any:
        """What REST answers here."""
        headers = {"Authorization": f"Token {key}", "Content-Type": "application/json"}
        body = json.dumps(members).encode() if members else None
        request = urllib.request.Request(
            f"http://{self.listen}{path}", body, headers, method=method
        )
        with urllib.request.urlopen(request, timeout=LONG) as answer:
            return json.loads(answer.read())


class TwoServersCase(SynchronousTestCase):
    """`here` and `there` serve one database; `site_url` is the address that people type."""

    site_url = ""

    def setUp(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="tcc-servers-"))
        self.addCleanup(rmtree, folder)
        self.redis = PrivateRedis(self)
        site, url = folder / "site", PrivatePostgres(self).url
        environ = {**os.environ, "DATABASE_URL": url, "REDIS_URL": self.redis.url}
        environ |= {"SITE_URL": self.site_url}
        environ.pop("DJANGO_SETTINGS_MODULE", None)
        self.here, self.there = (UpServer(self, site, environ) for _ in range(2))
        self.token, self.key = secrets.token_hex(20), secrets.token_hex(20)
        made = MADE.format(
            token=self.token, key=self.key, job="cats", keywords="", wanted="NOTHING"
        )
        shell = [sys.executable, "-m", "tcserver", "shell", "--data", str(site), "-v0", "-c", made]
        out = subprocess.run(shell, env=environ, check=True, capture_output=True, text=True).stdout
        self.session, _, number = out.split()
        self.capture = int(number)

    def hears(self, socket: ClientConnection, found: Callable[[Any], bool]) -> Any:
        """Return the next message that is it."""
        deadline = time.monotonic() + VERY_LONG
        while time.monotonic() < deadline:
            message = json.loads(socket.recv(timeout=max(0.0, deadline - time.monotonic())))
            if found(message):
                return message
        raise AssertionError("it has not come")

    def wants(self, server: UpServer, status: int) -> int:
        """Have a person want something of the capture; returns its revision."""
        path = f"/api/jobs/{self.capture}/"
        return int(server.ask("PATCH", path, self.key, status=status)["revision"])

    def is_told(self, client: ClientConnection, revision: int) -> None:
        """Return once the client has the hint."""
        wanted = {"type": "changed", "job": self.capture, "revision": revision}
        self.hears(client, lambda message: bool(message == wanted))

    def is_shown(self, page: ClientConnection, **members: Any) -> None:
        """Return once the page shows a state with these members."""
        self.hears(page, lambda told: any(one | members == one for one in told.get("captures", ())))


class TwoServersTests(TwoServersCase):
    def test_a_life(self) -> None:
        """Everything comes to the other server's sockets, whatever dies, and nothing is lost."""
        client, page = self.here.client(self.token), self.there.page(self.session, "captures")
        self.is_told(client, self.wants(self.there, 2))
        self.is_shown(page, word="starting")
        told = {"type": "state", "job": self.capture, "condition": "ok", "total": 7, "n": 1}
        client.send(json.dumps(told))
        self.is_shown(page, posts=7)

        self.redis.kill()
        self.is_told(client, self.wants(self.there, 4))
        self.is_shown(page, word="stopping")
        self.redis.start()
        self.is_told(client, self.wants(self.there, 2))
        self.is_shown(page, word="starting")

        acknowledged = self.killed_while_it_sends(client)
        client = self.there.client(self.token, ledgers=[{"ledger": "log", "length": 10**6}])
        held = self.hears(client, lambda told: told["type"] == "welcome")["ledgers"][0]["held"]
        self.assertGreaterEqual(held, acknowledged)
        self.here.start()
        self.is_told(client, self.wants(self.here, 4))
        self.is_shown(page, word="stopping")

        for server in (self.here, self.there):
            server.process.terminate()
            self.assertEqual(server.process.wait(LONG), 0, server.log.read_text())
        self.hears(client, lambda told: told["type"] == "bye")
        for socket in (client, page):
            with self.assertRaises(ConnectionClosed) as closed:
                while True:
                    socket.recv(timeout=LONG)
            assert closed.exception.rcvd is not None
            self.assertEqual(closed.exception.rcvd.code, 1012)
        log = self.there.log.read_text()
        self.assertEqual(log.count("Hints are not carried between processes"), 1, log)
        self.assertEqual(log.count("Hints are carried between processes again"), 1, log)
        self.assertEqual(len(log.splitlines()), 2, log)

    def killed_while_it_sends(self, client: ClientConnection) -> int:
        """Have the server killed amid a ledger; returns how much it has acknowledged."""
        data, acknowledged = base64.b64encode(bytes(10_000)).decode(), 0
        for number in range(20):
            offset = number * 10_000
            piece = {"type": "ledger", "ledger": "log", "offset": offset, "data": data}
            client.send(json.dumps(piece))
            if number < 10:
                held = self.hears(client, lambda told: told["type"] == "held")
                acknowledged = held["offset"]
            if number == 11:
                self.here.kill()
                break
        return acknowledged


class NginxTests(TwoServersCase):
    def setUp(self) -> None:
        self.program = which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if self.program is None:
            raise SkipTest("did not run: no nginx is installed here")
        self.listen = free_address()
        self.site_url = f"http://{self.listen}"
        super().setUp()
        folder = Path(tempfile.mkdtemp(prefix="tcc-nginx-"))
        self.addCleanup(rmtree, folder)
        conf = self.deployed()
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/log; user root;\n"
            f"events {{}}\nhttp {{ access_log off;\n{conf}}}\n"
        )
        command = [self.program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        self.process = subprocess.Popen([*command, "-e", str(folder / "log")])
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.terminate)
        self.front = self.here.behind(self.listen)

    def deployed(self) -> str:
        """deploy/nginx.conf for both servers, at an address of loopback and without TLS."""
        conf = (Path(__file__).parents[2] / "deploy" / "nginx.conf").read_text("utf-8")
        both = f"server {self.here.listen}; server {self.there.listen};"
        for pattern, used in (
            (r"server 127\.0\.0\.1:8000;", both),
            (r"server \{\n    listen 80;.*?\n\}\n", ""),
            (r"listen 443 ssl http2;\n    listen \[::\]:443 ssl http2;", f"listen {self.listen};"),
            (r"    ssl_\w+ [^\n]*;\n", ""),
            (r"captures\.example\.org", "127.0.0.1"),
        ):
            conf, found = re.subn(pattern, used, conf, flags=re.DOTALL)
            self.assertTrue(found, pattern)
        return conf

    def test_through_nginx(self) -> None:
        """Whichever server each of them comes to: a wish, a state, and what is shown of it."""
        deadline = time.monotonic() + LONG
        while True:
            try:
                self.front.ask("GET", "/api/jobs/", self.key)
                break
            except OSError as e:
                self.assertLess(time.monotonic(), deadline, e)
                time.sleep(0.05)
        pages = [self.front.page(self.session, "captures") for _ in range(2)]
        client = self.front.client(self.token)
        for status, word in ((2, "starting"), (4, "stopping"), (2, "starting")):
            self.is_told(client, self.wants(self.front, status))
            for page in pages:
                self.is_shown(page, word=word)
