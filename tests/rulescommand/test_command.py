"""Behaviour of `tcc-rules`: what it shows, what it deletes, and what it says where it cannot."""

import json
import os
import sys
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet import reactor
from twisted.internet.interfaces import IListeningPort
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from tcclient.storage.knownservers import address, key
from tcsandbox.twitter import SANDBOX_BEARER_TOKEN, Simulator
from tcsandbox.twitter.common.faults import HttpStatusFault
from tests.marks import Need, needs

ROOT = Path(__file__).parents[2]
COMMAND = "from tcclient.command import run_rules; run_rules()"
TOKEN = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b"
BASE_URL = "http://127.0.0.1:9/api/"
OWN = f"tcc:{key(address(BASE_URL), 1)}:5"
OTHERS = "tcc:fedcba987654.0123abcd:5"


@needs(Need.PROCESSES)
class CommandTests(TestCase):
    """The command itself, and a simulated X with one app."""

    maxDiff = None

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.x = Simulator(reactor, Random(1))
        port: IListeningPort = reactor.listenTCP(0, self.x.site(), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.addCleanup(self.x.stop)
        self.ids = {
            value: self.x.v2.add_foreign(value, tag)
            for value, tag in (("tea", OWN), ("milk", OTHERS), ("cocoa", None))
        }
        self.url = f"http://127.0.0.1:{port.getHost().port}/"
        self.write({"api": "2", "api_url": self.url}, {"bearer_token": SANDBOX_BEARER_TOKEN})

    def write(self, twitter: dict[str, Any], auth: dict[str, Any]) -> None:
        """The client's settings."""
        server = {"base_url": BASE_URL, "client_id": 1, "auth_token": TOKEN}
        document = {"server": server, "twitter_auth": auth, "twitter": twitter}
        (self.folder / "settings.json").write_text(json.dumps(document))

    async def run_it(self, *arguments: str) -> tuple[int, str, str]:
        """The exit status, and what was written to both outputs."""
        out, err, status = await getProcessOutputAndValue(
            sys.executable,
            ("-c", COMMAND, *arguments),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            path=str(self.folder),
        )
        for secret in (TOKEN, SANDBOX_BEARER_TOKEN):
            self.assertNotIn(secret.encode(), out + err)
        return status, out.decode(), err.decode()

    def values(self) -> list[str]:
        """The values of the rules that X has."""
        return sorted(rule["value"] for rule in self.x.v2.state()["rules"])

    async def test_list(self) -> None:
        """Whose each rule is; nothing is made, neither here nor at X."""
        status, out, err = await self.run_it("list", "--config", "settings.json")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(
            [line.split() for line in out.splitlines()][1:4],
            [
                [self.ids["tea"], "own", "5", OWN, "tea"],
                [self.ids["milk"], "tcc", "-", OTHERS, "milk"],
                [self.ids["cocoa"], "foreign", "-", "-", "cocoa"],
            ],
        )
        self.assertEqual(self.values(), ["cocoa", "milk", "tea"])
        self.assertEqual([path.name for path in self.folder.iterdir()], ["settings.json"])

    async def test_delete(self) -> None:
        """It shows; `--yes` does."""
        arguments = ("delete", "-c", "settings.json", "tcc", self.ids["tea"])
        status, out, err = await self.run_it(*arguments)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("A client that runs adds its own rules again, within 15 minutes.", out)
        self.assertTrue(out.endswith("Nothing is deleted without --yes.\n"), out)
        self.assertEqual(self.values(), ["cocoa", "milk", "tea"])
        status, out, err = await self.run_it(*arguments, "--yes")
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out.endswith("Deleted: 2.\n"), out)
        status, out, _ = await self.run_it("list", "-c", "settings.json", "own", "tcc")
        self.assertEqual((status, out), (0, "No rule.\n"))

    async def test_what_is_not_there(self) -> None:
        """Nothing is deleted then."""
        status, out, err = await self.run_it("delete", "-c", "settings.json", "own", "77", "--yes")
        self.assertEqual((status, out), (2, ""))
        self.assertEqual(
            err,
            "tcc-rules: No rule of the app has the id or tag '77'; a group is one of own, "
            "elsewhere, tcc, foreign.\n",
        )
        self.assertEqual(self.values(), ["cocoa", "milk", "tea"])

    async def test_what_x_refuses(self) -> None:
        """X's reason, and what to do."""
        problem = "https://api.twitter.com/2/problems/client-forbidden"
        body = json.dumps({"title": "Forbidden", "detail": "Oops", "type": problem})
        self.x.fault(HttpStatusFault(where="rules", status=403, body=body))
        status, out, err = await self.run_it("list", "-c", "settings.json")
        self.assertEqual((status, out), (2, ""))
        self.assertTrue(err.startswith("tcc-rules: X: the answer was 403 (Oops). "), err)
        self.assertEqual(err.count("\n"), 1)

    async def test_what_a_proxy_refuses(self) -> None:
        """It is not X that has said so."""
        self.x.fault(HttpStatusFault(where="rules", status=403, body="<title>Blocked</title>"))
        status, out, err = await self.run_it("list", "-c", "settings.json")
        self.assertEqual((status, out), (2, ""))
        said = "tcc-rules: Something in between: the answer was 403 (Blocked). That is no answer of"
        self.assertTrue(err.startswith(said), err)

    async def test_what_the_settings_do_not_give(self) -> None:
        """One sentence each: an API without rules, a file that is not there, a word too few."""
        status, _, err = await self.run_it("list", "-c", "absent.json")
        self.assertEqual((status, err.count("\n")), (2, 1))
        self.assertIn("absent.json", err)
        for arguments in ((), ("list",), ("delete", "-c", "settings.json"), ("burn",)):
            status, out, err = await self.run_it(*arguments)
            self.assertEqual((status, out, err.count("\n")), (2, "", 1), err)
        keys = dict.fromkeys(
            ("api_key", "api_secret", "access_token", "access_token_secret"), "a-plain-key"
        )
        self.write({"api": "1.1", "stream_url": "http://127.0.0.1:9/1.1/"}, keys)
        status, _, err = await self.run_it("list", "-c", "settings.json")
        self.assertEqual(
            (status, err), (2, "tcc-rules: settings.json: the API of twitter.api keeps no rules.\n")
        )
