"""Which folders a job has had."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.bookings import JobFolder
from tcclient.ledger.entries import as_line
from tcclient.storage.jobnames import JobNames
from tests.peers import EPOCH

HERE, ELSEWHERE = "http://here/", "http://elsewhere/"


class JobNamesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.index = Path(self.mktemp())
        self.index.touch()
        self.names = JobNames(self.index, lambda server: server == HERE)

    def note(self, name: str, job: int = 1, at: float = EPOCH, server: str = HERE) -> None:
        """The ledger has a line about the folder of a job."""
        with self.index.open("ab") as index:
            index.write(as_line(JobFolder(server=server, name=name), job, at))

    def test_the_last_one(self) -> None:
        """Of this server, also where a line came after the first look."""
        self.note("cats")
        self.note("dogs", job=2)
        self.assertEqual(
            (self.names.of(1), self.names.of(2), self.names.of(3)), ("cats", "dogs", None)
        )
        self.note("lions")
        self.note("birds", server=ELSEWHERE)
        self.assertEqual(self.names.of(1), "lions")

    def test_since_when(self) -> None:
        """The newest first, and last the one that the job had then; each once."""
        for hour, name in enumerate(("ants", "bees", "cats", "bees", "dogs")):
            self.note(name, at=EPOCH + 3600 * hour)
            self.note("birds", at=EPOCH + 3600 * hour, server=ELSEWHERE)
        self.assertEqual(list(self.names.since(EPOCH + 9000, 1)), ["dogs", "bees", "cats"])
        self.assertEqual(list(self.names.since(EPOCH + 99_999, 1)), ["dogs"])
        self.assertEqual(list(self.names.since(0, 2)), [])

    def test_the_folders_that_there_are(self) -> None:
        """Each with the job that had it last, but for those that were another server's too."""
        self.note("cats")
        self.note("dogs")
        self.note("dogs", job=2, at=EPOCH + 1)
        self.note("birds", job=3)
        self.note("birds", job=4, server=ELSEWHERE)
        self.assertEqual(self.names.folders({"dogs", "birds"}), {"dogs": 2})

    def test_read_once(self) -> None:
        """For all jobs, also such that are not in it: a big one is not read again for each."""
        self.note("cats")
        self.note("dogs", job=2)
        self.names.of(7)
        self.index.write_bytes(b"\n" * self.index.stat().st_size)
        self.assertEqual(list(self.names.since(0, 7)), [])
        self.assertEqual((list(self.names.since(0, 1)), self.names.of(2)), (["cats"], "dogs"))
