"""Every scenario there is."""

from tests.faults.kills import KILLS
from tests.faults.network import BODIES, FRAMES, ROAD, SILENCES

SCENARIOS = (*KILLS, *ROAD, *BODIES, *SILENCES, *FRAMES)
