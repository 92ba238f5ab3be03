"""The budget on disk: across restarts, kills, unreadable files, and a disk that is no use."""

import json
from pathlib import Path

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.budget import BudgetLimits, Level
from tcclient.purse import KEEP_INTERVAL, Purse
from tests.peers import clock_at
from tests.test_budget import DAY, HOUR, NOON


class Holder:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def budget_exhausted(self, level: Level, until: float) -> None:
        self.told.append((level, until))

    def budget_renewed(self) -> None:
        self.told.append("renewed")


class PurseTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = clock_at(NOON)
        folder = Path(self.mktemp())
        folder.mkdir()
        self.path = folder / "tcc.budget.json"
        self.holder = Holder()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def start(self, limits: BudgetLimits | None = None) -> Purse:
        """A process begins; it is stopped at the end of the test."""
        self.holder.told.clear()
        purse = Purse(limits or BudgetLimits(100), self.path, self.clock, self.holder)
        purse.startService()
        self.addCleanup(lambda: purse.stopService() if purse.running else None)
        return purse

    def kill(self, purse: Purse) -> None:
        """A process ends without a word: what it had not written is gone."""
        kept = self.path.read_bytes()
        purse.stopService()
        self.path.write_bytes(kept)

    def kept(self) -> dict[str, object]:
        """What is on disk."""
        found: dict[str, object] = json.loads(self.path.read_bytes())
        return found


class SpendingTests(PurseTestCase):
    def test_at_most_once_a_second(self) -> None:
        """Posts are recorded a second later, however many there are."""
        purse = self.start()
        for _ in range(10):
            purse.spend(1)
        self.assertEqual(self.kept()["day_posts"], 0)
        self.clock.advance(KEEP_INTERVAL)
        self.assertEqual((self.kept()["day_posts"], self.kept()["rate"]), (10, 10.0))

    def test_used_up(self) -> None:
        """The holder hears of it while the posts are being counted, once."""
        purse = self.start()
        purse.spend(99)
        self.assertEqual((purse.exhausted, self.holder.told), (False, []))
        purse.spend(2)
        purse.spend(3)
        self.assertTrue(purse.exhausted)
        self.assertEqual(self.holder.told, [(Level("day", 101, 100), NOON + 12 * HOUR)])

    def test_renewed(self) -> None:
        """At the next midnight the holder may go on."""
        purse = self.start()
        purse.spend(100)
        for _ in range(13):
            self.clock.advance(HOUR)
        self.assertEqual((self.holder.told[1:], purse.exhausted), (["renewed"], False))

    def test_a_warning(self) -> None:
        """At 80 % of a limit, once in its period."""
        purse = self.start()
        with capturedLogs() as events:
            for _ in range(90):
                purse.spend(1)
        found = [event["log_format"].format(**event) for event in events]
        self.assertEqual(
            found, ["80 of the 100 posts that twitter.budget allows this day are used."]
        )

    def test_the_clock_goes_back(self) -> None:
        """A budget that is used up stays so, and is renewed once."""
        purse = self.start()
        self.clock.advance(13 * HOUR)
        purse.spend(100)
        self.clock.rightNow -= 2 * HOUR
        for _ in range(50):
            self.clock.advance(HOUR)
        self.assertEqual(self.holder.told.count("renewed"), 1)


class RestartTests(PurseTestCase):
    def test_a_proper_end(self) -> None:
        """Nothing is forgotten and nothing added."""
        purse = self.start()
        purse.spend(40)
        purse.stopService()
        self.start().stopService()
        self.assertEqual(self.kept()["day_posts"], 40)

    def test_counts_go_on(self) -> None:
        """What was spent before counts."""
        purse = self.start()
        purse.spend(60)
        purse.stopService()
        purse = self.start()
        purse.spend(40)
        self.assertTrue(purse.exhausted)

    def test_a_kill(self) -> None:
        """A second at the last rate is added for what had not been written."""
        purse = self.start()
        purse.spend(20)
        self.clock.advance(KEEP_INTERVAL)
        purse.spend(20)
        self.kill(purse)
        self.start()
        self.assertEqual(self.kept()["day_posts"], 40)

    def test_two_kills_within_a_second(self) -> None:
        """The rate of the first life still counts for the second."""
        purse = self.start()
        purse.spend(20)
        self.clock.advance(KEEP_INTERVAL)
        self.kill(purse)
        self.kill(self.start())
        self.start()
        self.assertEqual(self.kept()["day_posts"], 60)

    def test_used_up_before(self) -> None:
        """The holder is told at the start."""
        purse = self.start()
        purse.spend(100)
        purse.stopService()
        self.start()
        self.assertEqual(self.holder.told, [(Level("day", 100, 100), NOON + 12 * HOUR)])

    def test_other_limits(self) -> None:
        """A raised limit opens it again; one below what is spent closes it."""
        purse = self.start()
        purse.spend(100)
        purse.stopService()
        self.assertFalse(self.start(BudgetLimits(200)).exhausted)
        self.assertTrue(self.start(BudgetLimits(None, 50)).exhausted)


class DiskTests(PurseTestCase):
    def test_unreadable(self) -> None:
        """It stands for a budget that is used up, and the log says how to begin anew."""
        for content in (b"", b"{", b"[]", b'{"day": 3}', b"\xff"):
            self.path.write_bytes(content)
            with capturedLogs() as events:
                self.assertTrue(self.start().exhausted, content)
            self.assertIn("Remove the file to begin anew", events[0]["log_format"])

    def test_not_writable(self) -> None:
        """Counting goes on in memory, and the log says so once."""
        self.path.mkdir()
        (self.path / "in the way").touch()
        purse = Purse(BudgetLimits(10), self.path.with_name("none") / "x", self.clock, self.holder)
        with capturedLogs() as events:
            purse.startService()
            for _ in range(5):
                purse.spend(2)
                self.clock.advance(KEEP_INTERVAL)
            purse.stopService()
        errors = [event for event in events if "Cannot keep the budget" in event["log_format"]]
        self.assertEqual((len(errors), purse.exhausted), (1, True))

    def test_a_later_day(self) -> None:
        """Days that passed while nothing ran are over."""
        purse = self.start()
        purse.spend(100)
        purse.stopService()
        self.clock.advance(DAY)
        self.assertFalse(self.start().exhausted)
