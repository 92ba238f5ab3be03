"""v2 as its settings make it, over real sockets."""

import json
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tcclient.config.settings import Output, Server, Settings, load
from tcclient.runtime.secrets import Secret
from tcclient.runtime.wallclock import WallClock
from tcclient.service import make_other_sides, make_rules, make_surroundings
from tcclient.sources.twitter_v1.configured import TwitterV1
from tcclient.sources.twitter_v1.settings import Keys, V1Section
from tcclient.sources.twitter_v2.configured import TwitterV2
from tcclient.sources.twitter_v2.settings import V2Auth, V2Section

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


class PriceTests(SynchronousTestCase):
    def test_of_each_api(self) -> None:
        """On v2 that of the settings, of which X's is the default; v1.1 sells no posts."""
        keys = Keys(*(Secret("x") for _ in range(4)))
        for source, price in (
            (TwitterV2(V2Section(), V2Auth()), 0.005),
            (TwitterV2(V2Section(post_price=0.01), V2Auth()), 0.01),
            (TwitterV2(V2Section(post_price=None), V2Auth()), None),
            (TwitterV1(V1Section(api="1.1"), keys), None),
        ):
            settings = Settings(
                path=Path("settings.json"),
                server=Server(base_url="http://127.0.0.1/", client_id=1, auth_token=Secret("x")),
                source=source,
                output=Output(base_dir=Path(self.mktemp())),
            )
            clock = Clock()
            around = make_surroundings(settings, clock, WallClock(clock))
            self.assertEqual(source.make(around).post_price, price)


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
