"""A real client with its channel to two real servers: wishes by it, and by polls once it is cut."""

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.faults.commands import Terms
from tests.livefaults.scenarios import cut
from tests.livefaults.world import LiveWorld

SOON = 5.0
"""Seconds: half the time between two polls, which only a hint comes before on a busy machine."""


class ChannelTests(TestCase):
    timeout = 180

    async def test_a_life(self) -> None:
        """
        Start and stop at the other server act without a poll; the socket is cut, and all goes on;
        in the end website, REST, disk and ledgers are the same.
        """
        world = LiveWorld(Path(self.mktemp()), Terms(rate=20.0, stall_timeout=90.0))
        self.addCleanup(lambda: Deferred.fromCoroutine(world.end()))
        await world.begin()
        await world.flow()
        await world.by_channel()
        waits = [await world.wants(status) for status in (4, 2, 4, 2)]
        self.assertLess(min(waits), SOON)
        await world.recovered()
        await cut(world, 0.2)
        self.assertEqual(await world.settle(), [])
        await world.close()
