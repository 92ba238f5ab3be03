"""v2 as its settings make it, over real sockets."""

import json
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tcclient.config.settings import Settings, load
from tcclient.service import make_other_sides, make_rules

ADDRESS = "127.0.0.5"


class Witness(Resource):
    """Gives tokens and no rules, and notes from where it is asked."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.askers: dict[str, str] = {}

    def render(self, request: Request) -> bytes:
        path = request.path.decode()
        self.askers[path] = request.getClientAddress().host
        if path.endswith("/token"):
            return b'{"token_type":"bearer","access_token":"AAAA"}'
        return b'{"meta":{"sent":"2026-11-30T00:00:00.000Z"}}'


class SourceAddressTests(TestCase):
    """The address that X sees."""

    timeout = 30

    async def test_tokens_and_rules_leave_from_it(self) -> None:
        """Rules that are refused, because X sees another address, mean no capture."""
        witness = Witness()
        port = cast(Any, reactor).listenTCP(0, Site(witness), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        rules = make_rules(self.settings(port.getHost().port), cast(Any, reactor))
        assert rules is not None
        self.assertEqual(list(await rules.rules()), [])
        self.assertEqual(
            witness.askers, {"/oauth2/token": ADDRESS, "/2/tweets/search/stream/rules": ADDRESS}
        )

    async def test_all_that_is_asked_leaves_from_it(self) -> None:
        """The app's connections and what it used, too."""
        witness = Witness()
        port = cast(Any, reactor).listenTCP(0, Site(witness), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        _, checks = make_other_sides(self.settings(port.getHost().port), cast(Any, reactor))
        for _, check in checks.of_the_network():
            await check()
        self.assertEqual(set(witness.askers.values()), {ADDRESS}, witness.askers)
        self.assertLessEqual({"/2/connections", "/2/usage/tweets"}, witness.askers.keys())

    def settings(self, port: int) -> Settings:
        """Those by which a token is bought at a port of this machine."""
        path = Path(self.mktemp())
        server = {"base_url": "http://127.0.0.1/", "client_id": 1, "auth_token": "x" * 40}
        sections = {
            "server": server,
            "twitter": {"api_url": f"http://127.0.0.1:{port}/"},
            "twitter_auth": {"api_key": "a" * 25, "api_secret": "b" * 50},
            "source_addr": ADDRESS,
            "output": {"base_dir": self.mktemp()},
        }
        path.write_text(json.dumps(sections))
        return load(path, {})
