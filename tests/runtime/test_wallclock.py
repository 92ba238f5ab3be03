"""The machine's clock is set: who hears of it, and what a client does with dates and durations."""

import re
from datetime import UTC, datetime
from itertools import pairwise

from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.poller import Poller
from tcclient.control.jobs import Status
from tcclient.runtime.wallclock import APART, LEAST, Offset
from tcclient.sources.twitter_v1.feed import V1Source
from tests.machine import Machine
from tests.peers import EPOCH, STALL, upstream
from tests.scene import Clockwork

HOUR = 3600.0


class OffsetTests(SynchronousTestCase):
    def test_steps(self) -> None:
        """What the wall clock has gone more or less than the steady one, if it is over a second."""
        for moved, step in (
            (0.0, 0.0),
            (LEAST, 0.0),
            (-LEAST, 0.0),
            (LEAST + 0.25, LEAST + 0.25),
            (-LEAST - 0.25, -LEAST - 0.25),
            (HOUR, HOUR),
            (-HOUR, -HOUR),
        ):
            offset = Offset(1000.0)
            self.assertEqual(offset.read(7.0, 1007.0 + moved, 7.0), step, moved)
            self.assertEqual(offset.read(8.0, 1008.0 + moved, 8.0), 0.0, moved)

    def test_many_small_steps(self) -> None:
        """They do not add up to one."""
        offset = Offset(0.0)
        for second in range(100):
            self.assertEqual(offset.read(second, second * 1.5, second), 0.0)

    def test_a_pause_between_the_readings(self) -> None:
        """It is no step, and does not hide one."""
        offset = Offset(0.0)
        self.assertEqual(offset.read(10.0, 15.0, 15.0), 0.0)
        self.assertEqual(offset.read(20.0, 20.0 + HOUR, 20.0 + 2 * APART), 0.0)
        self.assertEqual(offset.read(30.0, 30.0 + HOUR, 30.0), HOUR)


class WallClockTests(SynchronousTestCase):
    """Both ways, by an hour."""

    def setUp(self) -> None:
        self.machine = Machine()
        self.wall = self.machine.wall
        self.heard: list[tuple[str, float]] = []

    def test_the_date(self) -> None:
        """It goes on with time, and by what the clock is set."""
        self.assertEqual(self.wall(), EPOCH)
        self.machine.steady.advance(2)
        self.machine.set(HOUR)
        self.assertEqual(self.wall(), EPOCH + 2 + HOUR)

    def test_who_hears_of_it(self) -> None:
        """Every listener and the log, once for a step, before the first new date is used."""
        self.wall.on_step(lambda seconds: self.heard.append(("first", seconds)))
        self.wall.on_step(lambda seconds: self.heard.append(("second", seconds)))
        for seconds, words in ((HOUR, "set forward, or it was asleep, by"), (-HOUR, "set back by")):
            self.heard.clear()
            self.machine.set(seconds)
            with capturedLogs() as events:
                self.wall()
                self.assertEqual(self.heard, [("first", seconds), ("second", seconds)])
                self.wall()
            self.assertEqual(len(self.heard), 2)
            [event] = events
            self.assertEqual(event["log_level"], LogLevel.warn)
            said = event["log_format"].format(**event)
            self.assertIn(f"This machine's clock was {words} 3600.0 s:", said)

    def test_a_listener_that_asks_for_the_date(self) -> None:
        """It gets the new one, and is not told again."""
        self.wall.on_step(lambda seconds: self.heard.append(("at", self.wall())))
        self.machine.set(HOUR)
        self.wall()
        self.assertEqual(self.heard, [("at", EPOCH + HOUR)])

    def test_a_small_step(self) -> None:
        """It is followed in silence."""
        self.wall.on_step(lambda seconds: self.fail(f"{seconds} s are no step"))
        self.machine.set(-0.5)
        with capturedLogs() as events:
            self.assertEqual(self.wall(), EPOCH - 0.5)
        self.assertEqual(events, [])


class SetClockwork(Clockwork):
    """The whole core on a machine whose clock is set."""

    def __init__(self, test: SynchronousTestCase) -> None:
        super().__init__(test)
        self.machine = Machine()
        self.clock, self.wall = self.machine.steady, self.machine.wall

    def start(self) -> None:
        source = V1Source(upstream(self.source, self.clock))
        self.client = Poller(self.control(), self.folders(), source, self.intervals, 1)
        self.machine.wall.on_step(self.client.clock_stepped)
        self.client.startService()
        self.settle()


class CaptureTests(SynchronousTestCase):
    """A capture while the clock is set by an hour, each way."""

    def setUp(self) -> None:
        self.scene = scene = SetClockwork(self)
        self.set = scene.machine.set
        scene.store.create("cats", "cats", Status.STARTING)
        scene.start()
        scene.connect()
        scene.goes(10)

    def test_rates_and_intervals(self) -> None:
        """Reports come at the ping interval, with the rate that it was."""
        for seconds in (HOUR, -HOUR):
            self.scene.goes(5)
            before = len(self.scene.writes())
            self.set(seconds)
            self.scene.posts(50)
            self.scene.goes(5)
            self.scene.goes(10)
            rates = [write["rate"] for write in self.scene.writes()[before:]]
            self.assertEqual(rates, ["5.000", "0.000"])

    def test_silence(self) -> None:
        """It is a stall when it has lasted as long as that, and no sooner."""
        for seconds in (HOUR, -HOUR):
            self.scene.posts(1)
            self.set(seconds)
            peer = self.scene.source.peer
            self.scene.goes(STALL - 1)
            self.assertFalse(peer.hung_up)
            self.scene.goes(2)
            self.assertTrue(peer.hung_up)
            self.scene.connect()

    def test_a_stop(self) -> None:
        """It ends at once, whatever hour it is."""
        for seconds in (HOUR, -HOUR):
            self.set(seconds)
            self.scene.row().status = Status.STOPPING
            self.scene.goes(10)
            self.assertEqual(self.scene.row().status, Status.STOPPED)
            self.scene.row().status = Status.STARTING
            self.scene.goes(10)
            self.scene.connect()

    def test_the_accounts(self) -> None:
        """Both have a line, by the new time; the capture goes on in a file of its new hour."""
        self.scene.posts(3)
        self.set(HOUR)
        self.scene.posts(2)
        self.scene.settle()
        self.set(-HOUR)
        self.scene.posts(1)
        steps = [line["seconds"] for line in self.scene.disk.ledger("cats", "clock_step")]
        self.assertEqual(steps, [HOUR, -HOUR])
        index = (self.scene.disk.base / "tcc.ledger.jsonl").read_text()
        self.assertEqual(index.count('"kind": "clock_step", "seconds": '), 2)
        stopped = self.scene.stop()
        self.scene.goes(1)
        self.successResultOf(stopped)
        names = [path.name for path in self.scene.disk.finished("cats")]
        self.assertEqual(names, sorted(names))
        self.assertEqual(self.scene.disk.ids("cats"), [1, 2, 3, 6, 4, 5])
        self.assertEqual([len(set(names)), names[1].count("_00.")], [3, 1])

    def test_a_gap(self) -> None:
        """Its length is that of the time without a stream; the step stands before it."""
        for seconds in (HOUR, -HOUR):
            self.scene.posts(1)
            self.scene.goes(1)
            self.scene.source.peer.closes()
            self.scene.goes(1)
            self.set(seconds)
            self.scene.connect()
            self.scene.posts(1)
            self.scene.goes(1)
            lines = self.scene.disk.ledger("cats")
            kinds = [line["kind"] for line in lines]
            gap = len(kinds) - 1 - kinds[::-1].index("gap")
            self.assertIn("clock_step", kinds[gap - 3 : gap])
            self.assertLess(lines[gap]["seconds"], 5)
        times = [line["at"] for line in self.scene.disk.ledger("cats")]
        self.assertEqual(sum(a > b for a, b in pairwise(times)), 1)

    def test_nothing_is_captured(self) -> None:
        """The step is noticed with the next poll."""
        self.scene.row().status = Status.STOPPING
        self.scene.goes(20)
        self.set(HOUR)
        self.scene.goes(self.scene.intervals.ping)
        index = (self.scene.disk.base / "tcc.ledger.jsonl").read_text()
        self.assertEqual(index.count('"kind": "clock_step", "seconds": 3600.0'), 1)


class DateTests(SynchronousTestCase):
    """The reactor's clock counts from the start of the machine: nothing takes it for the date."""

    def test_all_that_is_written_and_sent(self) -> None:
        """Each moment in a ledger, each file's name and each report has the year that it is."""
        scene = SetClockwork(self)
        scene.store.create("cats", "cats", Status.STARTING)
        scene.start()
        scene.connect()
        scene.posts(3)
        scene.goes(40)
        scene.source.peer.closes()
        scene.goes(10)
        scene.connect()
        scene.posts(1)
        scene.row().status = Status.STOPPING
        scene.goes(20)
        ledgers = [path.read_text() for path in scene.disk.base.rglob("*.jsonl")]
        dates = re.findall(r"\d{4}-\d{2}-\d{2}T[\d:.]+Z", "".join(ledgers))
        dates += [write["ping_date"] for write in scene.writes() if "ping_date" in write]
        self.assertGreater(len(dates), 20)
        for date in dates:
            self.assertLess(abs(datetime.fromisoformat(date).timestamp() - EPOCH), HOUR, date)
        year = datetime.fromtimestamp(EPOCH, UTC).strftime("%Y%m%d")
        for path in scene.disk.finished("cats"):
            self.assertIn(year, path.name)
