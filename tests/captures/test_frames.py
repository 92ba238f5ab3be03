"""How short the way of a post is: the calls of ours between the socket and the buffer."""

import sys
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import attrs
from twisted.internet import reactor as _reactor
from twisted.trial.unittest import TestCase

import tcclient
from tcclient.captures.poller import Intervals, Poller
from tcclient.config.settings import Output, Server, Settings
from tcclient.http.kept import KeptConnections
from tcclient.runtime.secrets import Secret
from tcclient.runtime.wallclock import WallClock
from tcclient.service import make_control, make_surroundings
from tcclient.sources.source import ConfiguredSource
from tcclient.sources.twitter_v1.configured import TwitterV1
from tcclient.sources.twitter_v1.settings import Keys, V1Section
from tcclient.sources.twitter_v2.configured import TwitterV2
from tcclient.sources.twitter_v2.settings import V2Auth, V2Section
from tcclient.storage.waiting import Waiting
from tcsandbox.server import TOKEN, CaptureServer
from tcsandbox.twitter import (
    SANDBOX_BEARER_TOKEN,
    SANDBOX_CREDENTIALS,
    Plan,
    Simulator,
    SimulatorSettings,
)
from tests.scene import until

reactor: Any = _reactor

OURS = str(Path(tcclient.__file__).parent)
BEGINNINGS = ("_Socket.dataReceived", "Unpacking.plan.<locals>.begin", "Tapped.deliverBody")


def way_here() -> list[str]:
    """The calls of ours by which the caller's caller was called, the innermost first."""
    way: list[str] = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith(OURS):
            way.append(frame.f_code.co_qualname)
        frame = frame.f_back
    return way


class WayOfAPostTests(TestCase):
    """Over real sockets, by the whole client."""

    def setUp(self) -> None:
        self.twitter = Simulator(
            reactor, Random(1), SimulatorSettings(rate=200.0, plan=Plan(rule_delay=0.1))
        )
        port = reactor.listenTCP(0, self.twitter.site(), interface="127.0.0.1")
        self.root = f"http://127.0.0.1:{port.getHost().port}/"
        self.server = CaptureServer(reactor)
        listening = self.server.listen(reactor)
        self.api = f"http://127.0.0.1:{listening.getHost().port}/api/"
        for end in (port.stopListening, listening.stopListening, self.server.hang_up):
            self.addCleanup(end)
        self.addCleanup(self.twitter.stop)
        self.server.store.create("cats", "tea, coffee, cats, rain", 2)

        self.base = Path(self.mktemp()).absolute()

    async def ways(self, source: ConfiguredSource) -> list[list[str]]:
        """The calls of ours by which posts came into their buffer, the innermost first."""
        settings = Settings(
            path=self.base / "settings.json",
            server=Server(base_url=self.api, client_id=1, auth_token=Secret(TOKEN)),
            source=source,
            output=Output(base_dir=self.base, minute_interval=60),
        )
        wall = WallClock(reactor)
        around = make_surroundings(settings, reactor, wall)
        made = source.make(around)
        connections = KeptConnections(reactor, reactor)
        control = make_control(settings, reactor, wall, connections.client)
        poller = Poller(control, around.folders, made, Intervals(0.1, 10.0), 1)
        connections.setServiceParent(poller)
        made.setServiceParent(poller)
        ways: list[list[str]] = []
        add = Waiting.add

        def noting(waiting: Waiting, *args: Any) -> None:
            ways.append(["Waiting.add", *way_here()])
            add(waiting, *args)

        self.patch(Waiting, "add", noting)
        poller.startService()
        await until(lambda: len(ways) >= 5)
        await poller.stopService()
        return ways

    def check(self, ways: list[list[str]], most: int) -> None:
        """
        Each leads from the socket to the buffer, by so many calls at the most; or from a turn that
        was planned, where the machine is too busy for one turn, or from the answer's head, where a
        read brought both.
        """
        for way in ways:
            self.assertEqual(way[0], "Waiting.add")
            self.assertIn(way[-1], BEGINNINGS)
            self.assertLessEqual(len(way), most, way)

    async def test_v1(self) -> None:
        """Ten at the most."""
        keys = {name: Secret(value) for name, value in attrs.asdict(SANDBOX_CREDENTIALS).items()}
        section = V1Section(api="1.1", stream_url=f"{self.root}1.1/")
        self.check(await self.ways(TwitterV1(section, Keys(**keys))), most=10)

    async def test_v2(self) -> None:
        """Nine at the most."""
        section = V2Section(api_url=self.root, rule_delay=0.1)
        auth = V2Auth(bearer_token=Secret(SANDBOX_BEARER_TOKEN))
        self.check(await self.ways(TwitterV2(section, auth)), most=9)
