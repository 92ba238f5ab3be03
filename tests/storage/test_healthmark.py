"""The mark of a client that runs, and others who have its file locked, as a backup may."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.health.facts import ClientFacts
from tcclient.runtime.threads import in_place
from tcclient.storage.healthmark import NAME, HealthMark, last_facts
from tests.marks import Need, needs
from tests.storage.disk import locked_by_another_program


def facts(now: float) -> ClientFacts:
    """What a client knows."""
    return ClientFacts(now=now, runs=True)


@needs(Need.PROCESSES)
class LockedByOthersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.base = Path(self.mktemp())
        self.base.mkdir()
        self.path = self.base / NAME

    def client(self) -> HealthMark:
        """A client that runs."""
        mark = HealthMark(self.base, in_place)
        self.addCleanup(mark.end)
        mark.begin()
        return mark

    def test_a_client_that_was_killed(self) -> None:
        """Does not run because somebody else has locked what it left."""
        mark = self.client()
        mark.keep(facts(1.0))
        left = self.path.read_bytes()
        mark.end()
        self.path.write_bytes(left)
        with locked_by_another_program(self.path):
            last = last_facts(self.base)
        assert last is not None
        assert last.facts is not None
        self.assertEqual((last.is_held, last.facts.now), (False, 1.0))

    def test_a_client_that_starts(self) -> None:
        """Soon says how it is, as nobody writes into the file that the other has locked."""
        self.path.write_bytes(b"left by one that was killed")
        with locked_by_another_program(self.path):
            mark = self.client()
            for now in (1.0, 2.0):
                mark.keep(facts(now))
            self.assertIsNone(self.marked())
            mark.keep(facts(3.0))
            self.assertEqual(self.marked(), 3.0)
        mark.keep(facts(4.0))
        self.assertEqual(self.marked(), 4.0)

    def marked(self) -> float | None:
        """When a client that runs has said how it is."""
        last = last_facts(self.base)
        return last.facts.now if last is not None and last.is_held and last.facts else None

    def test_two_clients(self) -> None:
        """The first one's file is its own as long as it says how it is."""
        first, second = self.client(), self.client()
        for now in range(5):
            first.keep(facts(now))
            second.keep(facts(-now))
        kept = self.path.read_bytes()
        self.assertIn(b'"now":4', kept)
