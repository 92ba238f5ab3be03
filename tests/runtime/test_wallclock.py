"""
The machine's clock is set, or it sleeps: who hears of it, and what a client does with dates and
durations.
"""

import re
import sys
import time
from datetime import UTC, datetime
from itertools import pairwise

from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.poller import Poller
from tcclient.control.jobs import Status
from tcclient.ledger import entries
from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.runtime.wallclock import APART, LEAST, LOOK, Clocks, Moved, Slept, Watch, boot_clock
from tcclient.sources.twitter_v1.feed import V1Source
from tests.machine import Machine
from tests.peers import EPOCH, STALL, upstream
from tests.scene import Clockwork

HOUR = 3600.0


class ClocksTests(SynchronousTestCase):
    """What follows from readings of three clocks, of which the date begins at 1000."""

    def setUp(self) -> None:
        self.clocks = Clocks(0.0, 1000.0, 0.0)

    def read(self, steady: float, set_by: float = 0.0, slept: float = 0.0) -> Moved:
        """What they tell `steady` seconds later, where the clock was set and the machine slept."""
        boot = steady + slept
        return self.clocks.read(boot, steady, 1000.0 + boot + set_by, boot)

    def test_steps(self) -> None:
        """What the date has gone more or less than the others, if it is over a second."""
        for moved, step in (
            (0.0, 0.0),
            (LEAST, 0.0),
            (-LEAST, 0.0),
            (LEAST + 0.25, LEAST + 0.25),
            (-LEAST - 0.25, -LEAST - 0.25),
            (HOUR, HOUR),
            (-HOUR, -HOUR),
        ):
            self.setUp()
            self.assertEqual(self.read(7.0, moved), Moved(step), moved)
            self.assertEqual(self.read(8.0, moved), Moved(), moved)

    def test_sleeps(self) -> None:
        """What the clock that goes on has gone more than the timers', if no gap has it anyway."""
        for asleep, slept in (
            (IN_FLIGHT, None),
            (IN_FLIGHT + 0.25, Slept(IN_FLIGHT + 0.25, 7.0)),
            (8 * HOUR, Slept(8 * HOUR, 7.0)),
        ):
            self.setUp()
            self.assertEqual(self.read(7.0, slept=asleep), Moved(0.0, slept), asleep)
            self.assertEqual(self.read(8.0, slept=asleep), Moved(), asleep)

    def test_a_clock_that_is_set_while_the_machine_sleeps(self) -> None:
        """Each has its own length."""
        for step in (HOUR, -HOUR, -9 * HOUR):
            self.setUp()
            moved = self.read(7.0, step, 8 * HOUR)
            self.assertEqual(moved, Moved(step, Slept(8 * HOUR, 7.0)), step)

    def test_many_small_ones(self) -> None:
        """They do not add up to one."""
        for second in range(100):
            moved = self.read(second, set_by=second * 0.5, slept=second * 0.25)
            self.assertEqual(moved, Moved())

    def test_a_pause_between_the_readings(self) -> None:
        """It is no step and no sleep, and does not hide one."""
        self.assertEqual(self.clocks.read(10.0, 15.0, 1015.0, 15.0), Moved())
        late = self.clocks.read(20.0, 20.0, 1020.0 + HOUR, 20.0 + 2 * APART)
        self.assertEqual(late, Moved())
        self.assertEqual(self.read(30.0, HOUR), Moved(HOUR))

    def test_a_sleep_between_the_readings(self) -> None:
        """It is noticed with the next ones, and is no step either."""
        self.assertEqual(self.clocks.read(10.0, 10.0, 1010.0, 10.0 + HOUR), Moved())
        self.assertEqual(self.read(11.0, slept=HOUR), Moved(0.0, Slept(HOUR, 11.0)))


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
        for seconds, words in ((HOUR, "set forward by"), (-HOUR, "set back by")):
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

    def test_who_hears_of_a_sleep(self) -> None:
        """Every listener to that and the log, once; it is no step."""
        self.wall.on_step(lambda seconds: self.fail(f"nobody set the clock by {seconds} s"))
        heard: list[Slept] = []
        self.wall.on_sleep(heard.append)
        self.wall.on_sleep(heard.append)
        self.machine.steady.advance(2)
        self.machine.sleep(HOUR)
        with capturedLogs() as events:
            self.assertEqual(self.wall(), EPOCH + 2 + HOUR)
            self.wall()
        self.assertEqual(heard, [Slept(HOUR, 2.0)] * 2)
        [event] = events
        said = event["log_format"].format(**event)
        self.assertIn("This machine was asleep for 3600.0 s:", said)

    def test_a_sleep_while_another_one_is_told(self) -> None:
        """It is told after that, and until then it is the time at which the first was over."""
        machine, told = Machine(), []

        def first(sleep: Slept) -> None:
            if not told:
                machine.sleep(30.0)
            told.append((sleep.seconds, machine.wall() - EPOCH))

        machine.wall.on_sleep(first)
        machine.wall.on_sleep(lambda sleep: told.append((sleep.seconds, machine.wall() - EPOCH)))
        machine.sleep(40.0)
        machine.wall()
        self.assertEqual(told, [(40.0, 40.0)] * 2)
        machine.wall()
        self.assertEqual(told[2:], [(30.0, 70.0)] * 2)

    def test_a_step_in_a_sleep(self) -> None:
        """Who hears of steps hears first."""
        self.wall.on_sleep(lambda sleep: self.heard.append(("sleep", sleep.seconds)))
        self.wall.on_step(lambda seconds: self.heard.append(("step", seconds)))
        self.machine.sleep(HOUR)
        self.machine.set(-60.0)
        self.wall()
        self.assertEqual(self.heard, [("step", -60.0), ("sleep", HOUR)])

    def test_a_machine_that_cannot_tell(self) -> None:
        """Without a clock that goes on, a sleep is a step forward, and is said to be either."""
        machine = Machine(knows_sleep=False)
        machine.wall.on_sleep(lambda sleep: self.fail("nobody can know that"))
        machine.wall.on_step(lambda seconds: self.heard.append(("step", seconds)))
        machine.sleep(HOUR)
        with capturedLogs() as events:
            machine.wall()
        self.assertEqual(self.heard, [("step", HOUR)])
        said = events[0]["log_format"].format(**events[0])
        self.assertIn("set forward, or it was asleep, by 3600.0 s", said)

    def test_the_watch(self) -> None:
        """It looks every LOOK seconds, until it is stopped."""
        self.wall.on_sleep(lambda sleep: self.heard.append(("sleep", sleep.awake)))
        watch = Watch(self.machine.steady, self.wall)
        watch.startService()
        self.machine.steady.pump([LOOK / 4] * 10)
        self.machine.sleep(HOUR)
        self.machine.steady.pump([LOOK / 4] * 4)
        self.assertEqual(self.heard, [("sleep", LOOK)])
        watch.stopService()
        self.assertEqual(self.machine.steady.getDelayedCalls(), [])

    def test_a_watch_beside_others(self) -> None:
        """It looks on the second, as they do."""
        clock = self.machine.steady
        clock.advance(LOOK / 4 - clock.seconds() % LOOK)
        watch = Watch(clock, self.wall)
        watch.startService()
        [look] = clock.getDelayedCalls()
        self.assertEqual(look.getTime() % 1.0, 0.0)
        watch.stopService()

    def test_a_look_that_fails(self) -> None:
        """It is logged, and the next one comes in its time."""
        looks = iter((ZeroDivisionError(), None))

        def look() -> float:
            error = next(looks)
            if error:
                raise error
            return 0.0

        watch = Watch(self.machine.steady, look)
        watch.startService()
        self.machine.steady.pump([LOOK, LOOK])
        watch.stopService()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(list(looks), [])

    def test_the_clock_of_this_system(self) -> None:
        """On Linux it is never behind the timers' clock."""
        boot = boot_clock()
        if sys.platform == "linux":
            assert boot is not None
            self.assertGreaterEqual(boot() - time.monotonic(), -APART)
        else:
            self.assertIs(boot is None, not hasattr(time, "CLOCK_BOOTTIME"))

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
        self.machine.wall.on_step(self.client.jumps.stepped)
        self.machine.wall.on_sleep(self.client.jumps.slept)
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


class SleepTests(SynchronousTestCase):
    """A capture while the machine sleeps."""

    def setUp(self) -> None:
        self.scene = scene = SetClockwork(self)
        scene.store.create("cats", "cats", Status.STARTING)
        scene.start()
        scene.connect()
        scene.posts(1)
        scene.goes(10)

    def gaps(self) -> list[tuple[str, float]]:
        """The causes of the gaps and how long they are, but for the first."""
        gaps = self.scene.disk.ledger("cats", "gap")[1:]
        return [(gap["cause"], gap["seconds"]) for gap in gaps]

    def awakes(self, seconds: float) -> None:
        """The machine awakes, and somebody looks at its clocks."""
        self.scene.machine.sleep(seconds)
        self.scene.wall()
        self.scene.settle()

    def test_longer_than_a_stall(self) -> None:
        """The connection is dropped and made again at once; all until its first byte is missing."""
        self.scene.posts(1)
        self.scene.goes(2)
        peer = self.scene.source.peer
        self.awakes(8 * HOUR)
        self.assertTrue(peer.hung_up)
        self.scene.goes(1)
        self.scene.connect()
        self.scene.posts(1)
        self.assertEqual(self.gaps(), [("sleep", 8 * HOUR + 3.25)])

    def test_as_long_as_a_stall_with_the_silence_before(self) -> None:
        """A sleep counts as silence, and the silence before it does."""
        for asleep, hung_up in ((STALL - 11, False), (STALL - 9, True)):
            self.scene.posts(1)
            self.scene.goes(10)
            peer = self.scene.source.peer
            self.awakes(asleep)
            self.assertEqual(peer.hung_up, hung_up)

    def test_a_connection_that_outlives_it(self) -> None:
        """The gap ends with the sleep; silence afterwards counts on."""
        self.scene.posts(1)
        self.scene.goes(2)
        self.awakes(STALL / 2)
        self.assertEqual(self.gaps(), [("sleep", STALL / 2 + 2.25)])
        peer = self.scene.source.peer
        self.scene.goes(STALL / 2 - 3)
        self.assertFalse(peer.hung_up)
        self.scene.goes(2)
        self.assertTrue(peer.hung_up)
        self.scene.goes(1)
        self.scene.connect()
        self.scene.posts(1)
        self.assertEqual([cause for cause, _ in self.gaps()], ["sleep", "sleep"])
        [one, other] = self.scene.disk.ledger("cats", "gap")[1:]
        self.assertEqual(entries.seconds(one["end"]) - entries.seconds(other["begin"]), IN_FLIGHT)

    def test_a_byte_after_it(self) -> None:
        """From then on silence counts anew."""
        self.awakes(STALL / 2)
        self.scene.posts(1)
        self.scene.goes(STALL - 1)
        self.assertFalse(self.scene.source.peer.hung_up)

    def test_what_is_due(self) -> None:
        """The server is asked at once, and the file of the evening is finished."""
        self.scene.posts(1)
        self.scene.settle()
        asked = len(self.scene.line.seen)
        self.scene.goes(1)
        self.assertEqual(len(self.scene.line.seen), asked)
        self.awakes(HOUR)
        self.scene.goes(0)
        self.assertGreater(len(self.scene.line.seen), asked)
        self.assertEqual(len(self.scene.disk.finished("cats")), 1)

    def test_what_is_not_due(self) -> None:
        """A nap brings the next look at the server nearer by as long as it took."""
        self.scene.posts(1)
        asked = len(self.scene.line.seen)
        self.awakes(2)
        self.scene.goes(self.scene.intervals.ping - 3)
        self.assertEqual(len(self.scene.line.seen), asked)
        self.scene.goes(1)
        self.assertGreater(len(self.scene.line.seen), asked)

    def test_the_accounts(self) -> None:
        """Both have a line; nobody has set the clock."""
        self.awakes(HOUR)
        index = (self.scene.disk.base / "tcc.ledger.jsonl").read_text()
        self.assertEqual(index.count('"kind": "sleep", "seconds": 3600.0'), 1)
        [line] = self.scene.disk.ledger("cats", "sleep")
        self.assertEqual((line["seconds"], line["open_gap"]["cause"]), (HOUR, "sleep"))
        self.assertEqual(self.scene.disk.ledger("cats", "clock_step"), [])

    def test_without_a_stream(self) -> None:
        """The sleep is in a gap of its own, between two of those that there would be without."""
        self.scene.source.peer.closes()
        self.scene.goes(1)
        self.awakes(8 * HOUR)
        self.scene.goes(1)
        self.scene.connect()
        self.scene.posts(1)
        causes = [cause for cause, _ in self.gaps()]
        self.assertEqual(causes, ["closed", "sleep", "closed"])
        self.assertEqual(self.gaps()[1][1], 8 * HOUR + 0.25)

    def test_before_the_first_byte(self) -> None:
        """What is missing from the start has the cause of that, but for the sleep."""
        self.scene.store.create("dogs", "dogs", Status.STARTING)
        self.scene.row(1).status = Status.STOPPING
        self.scene.goes(30)
        self.awakes(HOUR)
        self.scene.connect()
        self.scene.posts(1)
        self.scene.settle()
        gaps = self.scene.disk.ledger("dogs", "gap")
        self.assertEqual([gap["cause"] for gap in gaps], ["start", "sleep", "start"])

    def test_one_after_the_other(self) -> None:
        """Each is in a gap, over one connection."""
        for _ in range(4):
            self.scene.posts(1)
            self.scene.goes(1)
            self.awakes(5)
        self.assertEqual(self.gaps(), [("sleep", 6.25)] * 4)
        self.assertEqual(len(self.scene.disk.ledger("cats", "connected")), 1)

    def test_without_a_capture(self) -> None:
        """It is noticed with the next poll, and nothing is missing."""
        self.scene.row().status = Status.STOPPING
        self.scene.goes(20)
        gaps = self.gaps()
        self.scene.machine.sleep(HOUR)
        self.scene.goes(self.scene.intervals.ping)
        index = (self.scene.disk.base / "tcc.ledger.jsonl").read_text()
        self.assertEqual(index.count('"kind": "sleep"'), 1)
        self.assertEqual(self.gaps(), gaps)


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
