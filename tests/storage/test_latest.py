"""A file that is renewed while nobody waits for its disk."""

from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.storage.lane import PATIENCE
from tcclient.storage.latest import Latest
from tests.storage.disk import Acts


class LatestTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.acts = Clock(), Acts()
        self.now = 0
        self.written: list[int] = []
        self.told: list[str | None] = []
        self.file = Latest(self.writing, self.acts, self.clock, self.hear)
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def writing(self) -> Callable[[], object]:
        """Write the number of now."""
        now = self.now
        return lambda: self.written.append(now)

    def hear(self, refusal: OSError | None) -> None:
        self.told.append(None if refusal is None else str(refusal))

    def renew(self, *numbers: int) -> None:
        """How things stand changes to each of these."""
        for self.now in numbers:
            self.file.renew()

    def test_the_newest_only(self) -> None:
        """One thing is under way; of what comes meanwhile the last is written."""
        self.renew(1, 2, 3)
        self.assertEqual(len(self.acts.waiting), 1)
        self.acts.do_all()
        self.assertEqual((self.written, self.told), ([1, 3], [None, None]))
        self.assertFalse(self.file.is_under_way)

    def test_refused(self) -> None:
        """Who is told may try again."""
        self.renew(1)
        self.acts.do(OSError("full"))
        self.renew(2)
        self.acts.do_all()
        self.assertEqual(self.told, ["full", None])

    def test_a_disk_that_does_not_answer(self) -> None:
        """Is told of, and whether it has written in the end."""
        self.renew(1)
        self.clock.advance(PATIENCE)
        self.acts.do_all()
        self.assertEqual(self.told, [f"it has not answered for {PATIENCE:g} s", None])

    def test_who_waits(self) -> None:
        """Until all is written, for so long at most, and not where nothing is under way."""
        self.successResultOf(self.file.written(1))
        self.renew(1, 2)
        short, long = self.file.written(1), self.file.written(5)
        self.clock.advance(1)
        self.successResultOf(short)
        self.acts.do()
        self.assertNoResult(long)
        self.acts.do()
        self.successResultOf(long)
