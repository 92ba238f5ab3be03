"""Every scenario there is."""

from tests.faults.addresses import ADDRESSES
from tests.faults.calendars import CALENDARS, CLOCK, SLEEPS, STANDSTILLS
from tests.faults.disks import DISKS
from tests.faults.disturbances import DISTURBANCES
from tests.faults.edits import KEYWORDS
from tests.faults.folders import FOLDERS
from tests.faults.freezes import FREEZES
from tests.faults.handovers import ENDS, HANDOVERS
from tests.faults.kills import FAST, KILLS
from tests.faults.ledgers import LEDGERS, MONTHS_END
from tests.faults.names import NAMES
from tests.faults.network import ANSWERS, BODIES, FRAMES, REPEATS, ROAD, SILENCES
from tests.faults.refusals import STORMS
from tests.faults.servers import AWAY_LONG, SERVERS
from tests.faults.sharing import SHARING

SCENARIOS = (
    *KILLS,
    *FAST,
    *ROAD,
    *BODIES,
    *REPEATS,
    *SILENCES,
    *FRAMES,
    *ANSWERS,
    *NAMES,
    *STORMS,
    *SERVERS,
    AWAY_LONG,
    *HANDOVERS,
    *ENDS,
    *KEYWORDS,
    *ADDRESSES,
    *DISKS,
    *FREEZES,
    *FOLDERS,
    *LEDGERS,
    MONTHS_END,
    *SHARING,
    *DISTURBANCES,
    *CALENDARS,
    CLOCK,
    *SLEEPS,
    *STANDSTILLS,
)
