"""Every scenario there is."""

from tests.faults.addresses import ADDRESSES
from tests.faults.calendars import CALENDARS, CLOCK
from tests.faults.disks import DISKS
from tests.faults.edits import KEYWORDS
from tests.faults.folders import FOLDERS
from tests.faults.kills import FAST, KILLS
from tests.faults.names import NAMES
from tests.faults.network import ANSWERS, BODIES, FRAMES, ROAD, SILENCES
from tests.faults.refusals import STORMS
from tests.faults.servers import AWAY_LONG, SERVERS

SCENARIOS = (
    *KILLS,
    *FAST,
    *ROAD,
    *BODIES,
    *SILENCES,
    *FRAMES,
    *ANSWERS,
    *NAMES,
    *STORMS,
    *SERVERS,
    AWAY_LONG,
    *KEYWORDS,
    *ADDRESSES,
    *DISKS,
    *FOLDERS,
    *CALENDARS,
    CLOCK,
)
