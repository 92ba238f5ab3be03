"""The capture server by its unit's own command, and a proxy by its own file, ports put in."""

import configparser
import http.client
import json
import os
import re
import shutil
import socket
import ssl
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest, TestCase

from tests.certificates import CA, certify
from tests.e2e.processes import ROOT, Running, python, run, start, until
from tests.notified import Notified
from tests.tcserver.receivers import free_port

SITE = "captures.example.org"
UNIT = ROOT / "deploy" / "tcserver.service"
VARIABLES = ROOT / "deploy" / "tcserver.env"
TCSERVER = "/opt/tcc/.venv/bin/tcserver"
ELSEWHERE = "127.0.0.2"
"""Where people and clients are: not where the proxy is, which is believed."""
# What MemoryDenyWriteExecute=yes forbids is forbidden to all that is started from here.
NO_WRITTEN_CODE = """
import ctypes, os, sys
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def variables() -> dict[str, str]:
    """What the unit's file of variables sets."""
    lines = VARIABLES.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def put_in(text: str, *changes: tuple[str, str]) -> str:
    """A text with other values.  Raises AssertionError for one that does not stand in it."""
    for old, new in changes:
        if old not in text:
            raise AssertionError(f"{old!r} is not there")
        text = text.replace(old, new)
    return text


class ServedCase(TestCase):
    """A site of its own, to be put behind a proxy."""

    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(mode=0o755)
        # Passwords go in over TLS, as they do at home.
        key, certificate = certify(SITE, by=CA).to_pem()
        (self.folder / "key.pem").write_bytes(key)
        (self.folder / "chain.pem").write_bytes(certificate)
        self.port = free_port()
        self.inner = free_port()
        self.plain = free_port()
        self.trusted = ssl.create_default_context(cadata=CA.to_pem()[1].decode())

    def environment(self) -> dict[str, str]:
        """What the unit gives its process."""
        site = f"https://{SITE}:{self.port}"
        set_ = variables()
        self.assertEqual(set_["SITE_URL"], f"https://{SITE}")
        return {**set_, "SITE_URL": site, "TCSERVER_DATA": str(self.folder / "data")}

    async def up(self) -> Running:
        """The unit's command, once it serves."""
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.read(UNIT)
        line = put_in(unit["Service"]["ExecStart"], ("127.0.0.1:8000", f"127.0.0.1:{self.inner}"))
        program, *arguments = line.split()
        self.assertEqual(program, TCSERVER)
        command = python("-c", NO_WRITTEN_CODE, *python("-m", "tcserver", *arguments))
        notified = Notified(self)
        notified.bind()
        environ = {**self.environment(), "NOTIFY_SOCKET": notified.address}
        server = start(self, self.folder, command, **environ)
        await server.says("shown this once")
        await until(lambda: "READY=1" in notified.heard(), "READY=1")
        return server

    async def made(self, name: str) -> str:
        """The token of a client that is made beside the server."""
        command = python("-m", "tcserver", "client", name)
        done = await run(self, self.folder, command, **self.environment())
        self.assertEqual(done.status, 0, done.err)
        return str(json.loads(done.out)["server"]["auth_token"])

    async def proxy(self, program: str, package: str, *arguments: str, **environ: str) -> Running:
        """A proxy, once it listens; raises SkipTest where it is not installed."""
        found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if found is None:
            raise SkipTest(f"did not run: {program} is needed (apt install {package})")
        proxy = start(self, self.folder, [found, *arguments], **environ)

        def listens() -> bool:
            proxy.check()
            with socket.socket() as one:
                return one.connect_ex(("127.0.0.1", self.port)) == 0

        await until(listens, f"{program} listening")
        return proxy

    def connection(self, port: int) -> socket.socket:
        """A connection from elsewhere to a port here."""
        return socket.create_connection(("127.0.0.1", port), 20, (ELSEWHERE, 0))

    async def ask(
        self, method: str, path: str, body: bytes = b"", port: int | None = None, **headers: str
    ) -> tuple[int, Any, str]:
        """Status, headers and text of an answer."""

        def asked() -> tuple[int, Any, str]:
            connection = http.client.HTTPConnection(SITE, port or self.port)
            connection.sock = self.connection(port or self.port)
            try:
                if port is None:
                    connection.sock = self.trusted.wrap_socket(
                        connection.sock, server_hostname=SITE
                    )
                names = {name.replace("_", "-"): value for name, value in headers.items()}
                connection.request(method, path, body or None, names)
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read().decode()
            finally:
                connection.close()

        answered: tuple[int, Any, str] = await deferToThread(asked)
        return answered

    async def log_in(self, server: Running) -> str:
        """The cookies of a browser in which the administrator has logged in by the form."""
        [password] = re.findall(r"Log in as admin with the password (\S+)", server.out)
        _, headers, page = await self.ask("GET", "/login/")
        [token] = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page)
        form = f"csrfmiddlewaretoken={token}&username=admin&password={password}".encode()
        status, said, _ = await self.ask(
            "POST",
            "/login/",
            form,
            Content_Type="application/x-www-form-urlencoded",
            Origin=f"https://{SITE}:{self.port}",
            Cookie=headers["Set-Cookie"].partition(";")[0],
        )
        self.assertEqual((status, said["Location"]), (302, "/captures/"))
        cookies = said.get_all("Set-Cookie")
        self.assertTrue(all("Secure" in one for one in cookies), cookies)
        return "; ".join(one.partition(";")[0] for one in cookies)
