"""
Every scenario in its short form, for `trial tests.faults.short`: one round, and one world for those
that can share it.
"""

from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.e2e.processes import together
from tests.faults.calendars import CALENDARS, SLEEPS, STANDSTILLS
from tests.faults.disks import DEATHS, FULL_DISK, LITTLE_ROOM
from tests.faults.disturbances import AWAY, CUT, KILLED_AWAY, REPLACED
from tests.faults.edits import KEYWORDS
from tests.faults.folders import (
    LIMITED_FILES,
    NO_LINKS,
    NO_PERMISSION,
    REFUSING,
    REMOVED,
    SECOND_CLIENT,
)
from tests.faults.freezes import ALL_BOUGHT, ALL_HANG, ONE_HANGS
from tests.faults.handovers import ENDS, HANDOVERS
from tests.faults.kills import KILLS
from tests.faults.ledgers import LEDGERS, MONTHS_END
from tests.faults.names import DNS
from tests.faults.network import BODIES, FRAMES, ROAD, SILENCES
from tests.faults.refusals import FIRST_420, STORM_503
from tests.faults.scenario import Scenario, in_turn, play
from tests.faults.servers import SERVERS
from tests.faults.sharing import SHARING

AT_ONCE = 6
"""Scenarios wait more than they work."""


class ShortTests(TestCase):
    """Nothing is lost without an account of it, and nothing is counted wrongly."""

    timeout = 180

    async def check(self, *scenarios: Scenario) -> None:
        """Play each once, some at the same time; nothing is wrong with their rows."""
        await together((self._play(scenario) for scenario in scenarios), AT_ONCE)

    async def _play(self, scenario: Scenario) -> None:
        row = await play(scenario, 1, Path(self.mktemp()))
        self.assertEqual(row.wrong, (), row)
        self.assertGreaterEqual(row.faults, 1, row)

    async def test_deaths_and_connections(self) -> None:
        """Processes die; connections are cut, fall silent, or carry what means nothing."""
        await self.check(
            in_turn("silences", *SILENCES),
            in_turn("road", *ROAD),
            in_turn("deaths", *KILLS),
            in_turn("bodies", *BODIES),
            in_turn("frames", *FRAMES),
        )

    async def test_ledgers(self) -> None:
        """They are removed, or old ones put back, while no client runs."""
        await self.check(*LEDGERS)

    async def test_a_months_end(self) -> None:
        """The client dies around it."""
        await self.check(MONTHS_END)

    async def test_refusals_and_turns(self) -> None:
        """Both ends refuse, keywords change, the calendar turns."""
        await self.check(
            STORM_503,
            in_turn("server", *SERVERS),
            FIRST_420,
            *CALENDARS,
            *KEYWORDS,
        )

    async def test_machines(self) -> None:
        """The machine sleeps, or the client's process stands still."""
        await self.check(*STANDSTILLS)
        await self.check(*SLEEPS)

    async def test_hand_overs(self) -> None:
        """The job goes to another client and back, or ends, also while nobody looks."""
        await self.check(in_turn("hand-overs", *HANDOVERS), in_turn("ends", *ENDS))

    async def test_folders(self) -> None:
        """The disk refuses, permits nothing, or has the folder no more; another client wants it."""
        await self.check(
            NO_PERMISSION,
            in_turn("folder", LIMITED_FILES, SECOND_CLIENT),
            in_turn("disk", *REFUSING, NO_LINKS),
            REMOVED,
        )

    async def test_disturbances(self) -> None:
        """Somebody else changes the file that is being written, or takes all of the folder away."""
        await self.check(REPLACED, CUT, AWAY, KILLED_AWAY)

    async def test_mounts(self) -> None:
        """The disk is full, or nearly, also at a death; Twitter's name does not resolve."""
        await self.check(
            in_turn("deaths", *DEATHS),
            in_turn("all hang", *ALL_HANG),
            in_turn("all hang, v2", *ALL_BOUGHT),
            in_turn("one hangs", *ONE_HANGS),
            LITTLE_ROOM,
            FULL_DISK,
            DNS,
        )

    async def test_sharing(self) -> None:
        """One of two captures has no disk; posts name no rule, and rules do not go."""
        await self.check(*SHARING)
