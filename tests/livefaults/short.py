"""
Every scenario of real time in its short form, for `trial tests.livefaults.short`: it takes some
minutes, most of which are waits.
"""

from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.e2e.processes import together
from tests.livefaults.scenarios import SCENARIOS, LiveScenario, play

SHARE = 0.1
"""Of how long things last."""
AT_ONCE = 5
"""They wait more than they work."""


class ShortTests(TestCase):
    """
    Website, REST, disk and ledgers are the same in the end, posts exact, and there is no gap that
    polls alone would not have had.
    """

    timeout = 560

    async def test_all(self) -> None:
        """Some are played at the same time."""
        await together((self._play(scenario) for scenario in SCENARIOS), AT_ONCE)

    async def _play(self, scenario: LiveScenario) -> None:
        row = await play(scenario, SHARE, Path(self.mktemp()))
        self.assertEqual(row.wrong, (), row)
