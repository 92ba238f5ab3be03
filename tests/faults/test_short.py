"""Every scenario in its short form: few rounds, and one world for those that can share it."""

from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.e2e.processes import together
from tests.faults.kills import KILLS
from tests.faults.scenario import Scenario, in_turn, play


class Played(TestCase):
    """Rows in which nothing is wrong."""

    timeout = 120

    async def check(self, *scenarios: Scenario, rounds: int = 1) -> None:
        """Play them, some at the same time."""
        await together(self._play(scenario, rounds) for scenario in scenarios)

    async def _play(self, scenario: Scenario, rounds: int) -> None:
        row = await play(scenario, rounds, Path(self.mktemp()))
        self.assertEqual(row.wrong, (), row)
        self.assertGreaterEqual(row.faults, rounds)


class ShortTests(Played):
    """Nothing is lost without an account of it, and nothing is counted wrongly."""

    async def test_deaths(self) -> None:
        """The client, Twitter and the server are killed, and the client is ended."""
        await self.check(in_turn("deaths", *KILLS), rounds=2)
