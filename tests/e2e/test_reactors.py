"""Each of Twisted's reactors, made steady, keeps the time of its timers by a clock never set."""

import json
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.e2e.processes import python, run

DELAYS = (0.3, 0.0, 0.1, 0.2)

PROGRAM = """
import json, sys, time
from twisted.application.reactors import installReactor
installReactor(sys.argv[1])
from tcclient.command import steady_reactor
reactor, began, rang = steady_reactor(), time.monotonic(), []
for delay in json.loads(sys.argv[2]):
    reactor.callLater(delay, lambda delay=delay: rang.append((delay, time.monotonic() - began)))
moved = reactor.callLater(60, lambda: rang.append((0.4, time.monotonic() - began)))
moved.reset(0.4)
reactor.callLater(60, reactor.stop).delay(-59.5)
reactor.run()
print(json.dumps({"rang": rang, "off": abs(reactor.seconds() - time.monotonic())}))
"""


class ReactorTests(TestCase):
    """In a process of its own, as a process has one reactor."""

    timeout = 90

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    async def check(self, name: str) -> None:
        """Each timer rings in turn, and none before its time."""
        command = python("-c", PROGRAM, name, json.dumps(DELAYS))
        ended = await run(self, self.folder, command)
        self.assertEqual((ended.err, ended.status), ("", 0))
        told = json.loads(ended.out)
        self.assertEqual([delay for delay, _ in told["rang"]], [*sorted(DELAYS), 0.4])
        for delay, at in told["rang"]:
            self.assertGreaterEqual(at, delay)
        self.assertLess(told["off"], 60)

    async def test_epoll(self) -> None:
        """The default on Linux."""
        await self.check("epoll")

    async def test_poll(self) -> None:
        """Rounds to milliseconds."""
        await self.check("poll")

    async def test_select(self) -> None:
        """Takes seconds as they are."""
        await self.check("select")

    async def test_asyncio(self) -> None:
        """Asks asyncio's loop to wake it."""
        await self.check("asyncio")
