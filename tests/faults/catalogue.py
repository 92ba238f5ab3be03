"""Every scenario there is."""

from tests.faults.kills import KILLS

SCENARIOS = KILLS
