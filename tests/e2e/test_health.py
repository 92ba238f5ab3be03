"""
What people see in each situation that a client can be in, with real processes.

A stream that falls silent takes five minutes: `python -m tests.e2e.situations quiet` plays it, and
`tests.captures.test_healthlog` by a clock that the test moves.
"""

from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.e2e.processes import together
from tests.e2e.situations import SITUATIONS, play


class SituationsTests(TestCase):
    timeout = 300

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()

    async def play(self, *names: str) -> None:
        """Play these at the same time; each is said as it should be."""
        chosen = [situation for situation in SITUATIONS if situation.name in names]
        self.assertEqual(len(chosen), len(names))

        async def one(number: int) -> None:
            await play(chosen[number], self.folder)

        await together(map(one, range(len(chosen))), len(chosen))

    async def test_what_is_said_at_once(self) -> None:
        """Nothing comes any more, and that will not change by itself."""
        await self.play("read-only", "budget used up", "client dead")

    async def test_a_full_disk(self) -> None:
        """Its ledger cannot say so."""
        await self.play("disk full")

    async def test_what_is_said_when_it_has_lasted(self) -> None:
        """A minute; where all is well nothing is said by then."""
        await self.play(
            "healthy",
            "stalled",
            "refused credentials",
            "slot taken",
            "disk nearly full",
            "server away",
        )

    async def test_a_clock_that_is_off(self) -> None:
        """By the dates of the capture server's answers."""
        await self.play("clock off")
