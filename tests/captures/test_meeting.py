"""Whether a client may begin: it must be known whose list of jobs it has, and that it runs once."""

import subprocess
import sys
from pathlib import Path

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.meeting import ServerMeeting
from tcclient.control.client import JobList
from tcclient.control.jobs import Job
from tcclient.runtime.wallclock import wall_time
from tcclient.storage.folders import Folders
from tcclient.storage.installation import Identity
from tcclient.storage.knownservers import key
from tcclient.storage.slots import Naming
from tests.marks import Need, needs

LISTING = JobList((Job(7, "cats", 3, "cats", 0, 1, False, None, created="monday"),), {}, None)
HOLD = (
    "import sys; from pathlib import Path; from tcclient.storage.claim import Claim; "
    "Claim(Path(sys.argv[1])).take(sys.argv[2]); print('held', flush=True); sys.stdin.read()"
)


@needs(Need.PROCESSES)
class TwoProcessesTests(SynchronousTestCase):
    """The same client is started twice."""

    def setUp(self) -> None:
        self.base = Path(self.mktemp())
        self.begun: list[Identity] = []

    def meeting(self, client: int = 1) -> ServerMeeting:
        """That of a client that starts."""
        folders = Folders(
            self.base, Naming("", utc=True), "http://localhost/api/", Clock(), wall_time,
            client_id=client,
        )  # fmt: skip
        return ServerMeeting(folders, self.begun.append)

    def test_the_second(self) -> None:
        """It does not begin, and says so once, until the first has ended, however it has."""
        self.base.mkdir()
        holding = [sys.executable, "-c", HOLD, str(self.base), key("localhost/api", 1)]
        with subprocess.Popen(holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            self.addCleanup(other.kill)
            self.assertEqual(other.stdout.readline(), b"held\n")
            second, third = self.meeting(), self.meeting(client=2)
            with capturedLogs() as events:
                self.assertEqual([second.is_known(LISTING) for _ in range(3)], [False] * 3)
            self.assertTrue(third.is_known(LISTING))
            other.kill()
            other.wait()
        [said] = [formatEvent(event) or "" for event in events]
        self.assertIn(f"This client runs already, as another process, below {self.base}", said)
        self.assertTrue(second.is_known(LISTING))
        self.assertEqual(
            [one.server for one in self.begun], [key("localhost/api", n) for n in (2, 1)]
        )
