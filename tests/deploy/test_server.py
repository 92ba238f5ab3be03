"""The capture server as deploy/ has it: its units, and nginx and Caddy in front of it."""

import configparser
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase
from websockets.sync.client import connect

from tcserver.environment import read
from tests.deploy.served import ELSEWHERE, SITE, TCSERVER, UNIT, VARIABLES, ServedCase, put_in
from tests.deploy.test_systemd import MOST_EXPOSED, analyze
from tests.e2e.processes import ROOT

NGINX = ROOT / "deploy" / "nginx.conf"
CADDY = ROOT / "deploy" / "Caddyfile"
SEVERAL = ROOT / "deploy" / "tcserver@.service"
# What Debian's own nginx.conf has round the file, as far as a folder of one's own can have it.
ROUND = """
daemon off;
master_process off;
user root;
pid nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include tcserver.conf;
}
"""
HELLO = {"type": "hello", "protocol": 1, "installation": "one", "instance": "a", "host": "lab"}


class UnitTests(SynchronousTestCase):
    def test_exposure(self) -> None:
        """How much of the machine a server reaches that somebody else has taken over."""
        for unit in (UNIT, SEVERAL):
            said = analyze("security", "--offline=true", "--no-pager", str(unit))
            level = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
            assert level is not None, said
            self.assertLessEqual(float(level[1]), MOST_EXPOSED)

    def test_each_line_is_known(self) -> None:
        """systemd complains of nothing but that the server is not installed there."""
        for unit in (UNIT, SEVERAL):
            said = analyze("verify", "--man=no", str(unit)).splitlines()
            rest = [line for line in said if "tcserver" in line and TCSERVER not in line]
            self.assertEqual(rest, [])

    def test_both_say_the_same(self) -> None:
        """The template differs by port and words only."""
        one, many = (configparser.RawConfigParser(strict=False) for _ in range(2))
        one.read(UNIT)
        many.read(SEVERAL)
        self.assertEqual({**one["Unit"], "description": ""}, {**many["Unit"], "description": ""})
        start = one["Service"]["ExecStart"].replace("8000", "%i")
        self.assertEqual({**one["Service"], "execstart": start}, {**many["Service"]})

    def test_variables(self) -> None:
        """Each is one of the server's, and may be as it stands there."""
        lines = VARIABLES.read_text().splitlines()[1:]
        told = dict(line.removeprefix("# ").split("=", 1) for line in lines)
        environment = read(told)
        self.assertEqual((environment.host, environment.secure), (SITE, True))
        self.assertEqual(len(environment.proxies), 2)
        self.assertIsNotNone(environment.alerts.mail)
        self.assertEqual(read({**told, "KEEP_UPDATES_DAYS": "8"}).keep_updates, 8)
        with self.assertRaises(Exception) as caught:
            read({"TCSERVER_SITE": ""})
        self.assertIn("There is no variable", str(caught.exception))


class BehindCase(ServedCase):
    """What is true behind any proxy; not run by itself."""

    async def life(self, begin: Callable[[], Awaitable[None]]) -> None:
        """
        A person, a client, and their sockets come through a proxy that `begin` starts, and nothing
        that is too large.
        """
        server = await self.up()
        token = await self.made("lab")
        await begin()
        status, headers, body = await self.ask("GET", "/healthz")
        self.assertEqual((status, body), (200, "ok\n"))
        self.assertIn("Strict-Transport-Security", headers)
        status, headers, _ = await self.ask("GET", "/captures/", port=self.plain)
        self.assertIn(status, (301, 308))
        self.assertTrue(headers["Location"].startswith(f"https://{SITE}"), headers["Location"])
        cookies = await self.log_in(server)
        await self.look_at_static(cookies)
        await self.report(token)
        await self.look_at_sockets(token, cookies)
        await self.look_at_the_client(cookies)

    async def look_at_static(self, cookies: str) -> None:
        """What a page loads is there, of its type, and may be kept."""
        _, _, page = await self.ask("GET", "/captures/", Cookie=cookies)
        found = re.findall(r'"(/static/[^"]+\.css)"', page)
        self.assertNotEqual(found, [])
        status, headers, _ = await self.ask("GET", found[0])
        self.assertEqual((status, headers.get_content_type()), (200, "text/css"))

    async def report(self, token: str) -> None:
        """A ledger's piece is taken; one that is too large is refused in JSON."""
        as_client = {"Authorization": f"Token {token}", "X_Forwarded_For": "192.0.2.1"}
        data = b"x" * (1 << 20)
        status, _, told = await self.ask("PUT", "/api/ledger/a/?offset=0", data, **as_client)
        self.assertEqual((status, json.loads(told)["held"]), (200, len(data)))
        data = b"x" * ((2 << 20) + 1)
        status, headers, told = await self.ask("PUT", "/api/ledger/b/?offset=0", data, **as_client)
        self.assertEqual((status, headers.get_content_type()), (413, "application/json"))
        self.assertIn("2097152", json.loads(told)["detail"])
        status, _, told = await self.ask("GET", "/api/ledger/b/", **as_client)
        self.assertEqual((status, json.loads(told)["held"]), (200, 0))

    async def look_at_sockets(self, token: str, cookies: str) -> None:
        """A client is welcomed, and a page hears of what it watches; each from its own origin."""

        def talk(path: str, said: object, **more: Any) -> dict[str, object]:
            here = f"wss://{SITE}:{self.port}{path}"
            way = {"sock": self.connection(self.port), "ssl": self.trusted, **more}
            with connect(here, **way) as one:
                one.send(json.dumps(said))
                heard: dict[str, object] = json.loads(one.recv(20))
                return heard

        shown = {"Authorization": f"Token {token}"}
        welcome = await deferToThread(
            talk, "/ws/client/", HELLO, subprotocols=["tcc.1"], additional_headers=shown
        )
        self.assertEqual(welcome["type"], "welcome")
        states = await deferToThread(
            talk,
            "/ws/site/",
            {"watch": ["captures"]},
            origin=f"https://{SITE}:{self.port}",
            additional_headers={"Cookie": cookies},
        )
        self.assertIn("captures", states)

    async def look_at_the_client(self, cookies: str) -> None:
        """It comes from where it is: neither from the proxy, nor from where it says."""
        _, _, page = await self.ask("GET", "/clients/1/", Cookie=cookies)
        self.assertIn(f'data-label="From">{ELSEWHERE}<', page)


class NginxTests(BehindCase):
    async def begin(self) -> None:
        """Start it with deploy/nginx.conf."""
        text = put_in(
            NGINX.read_text(),
            ("server 127.0.0.1:8000;", f"server 127.0.0.1:{self.inner};"),
            ("listen 80;", f"listen 127.0.0.1:{self.plain};"),
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "),
            ("    listen [::]:80;\n", ""),
            ("    listen [::]:443 ssl http2;\n", ""),
            (f"/etc/letsencrypt/live/{SITE}/fullchain.pem", str(self.folder / "chain.pem")),
            (f"/etc/letsencrypt/live/{SITE}/privkey.pem", str(self.folder / "key.pem")),
        )
        (self.folder / "tcserver.conf").write_text(text)
        (self.folder / "nginx.conf").write_text(ROUND)
        where = ("-p", str(self.folder), "-c", "nginx.conf", "-e", "stderr")
        await self.proxy("nginx", "nginx-light", *where)

    async def test_behind_nginx(self) -> None:
        """All of it behind nginx."""
        await self.life(self.begin)


class CaddyTests(BehindCase):
    async def begin(self) -> None:
        """Start it with deploy/Caddyfile."""
        ports = f"admin off\n\thttp_port {self.plain}\n\thttps_port {self.port}"
        certificate = f"tls {self.folder}/chain.pem {self.folder}/key.pem"
        text = put_in(
            CADDY.read_text(),
            (f"{SITE} {{", f"{{\n\t{ports}\n}}\n\n{SITE} {{\n\t{certificate}"),
            ("127.0.0.1:8000", f"127.0.0.1:{self.inner}"),
        )
        (self.folder / "Caddyfile").write_text(text)
        home = {"HOME": str(self.folder), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
        where = ("--config", "Caddyfile", "--adapter", "caddyfile")
        await self.proxy("caddy", "caddy", "run", *where, **home)

    async def test_behind_caddy(self) -> None:
        """All of it behind Caddy."""
        await self.life(self.begin)
