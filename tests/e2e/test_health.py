"""
What people see in the situations of a client that are said at once, with real processes.

Those that have to last a minute are in `lasting`.
"""

from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.e2e.processes import together
from tests.e2e.situations import SITUATIONS, play


class SituationsCase(TestCase):
    """With a folder for what is played."""

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


class AtOnceTests(SituationsCase):
    async def test_what_is_said_at_once(self) -> None:
        """Nothing comes any more, and that will not change by itself."""
        await self.play("read-only", "budget used up", "client dead")

    async def test_a_full_disk(self) -> None:
        """Its ledger cannot say so."""
        await self.play("disk full")
