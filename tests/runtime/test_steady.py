"""The machine's clock is set, and what is to be done in some time is done in that time."""

from collections.abc import Callable

import attrs
from twisted.internet.task import Clock, LoopingCall
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.poller import Poller
from tcclient.control.jobs import Status
from tcclient.runtime.steady import APART, LEAST, Offset, Times
from tcclient.sources.twitter_v1.source import V1Source
from tcclient.storage.folders import Folders
from tests.peers import STALL, clock_at, upstream
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
        self.assertIsNone(offset.read(10.0, 15.0, 15.0))
        self.assertIsNone(offset.read(20.0, 20.0 + HOUR, 20.0 + 2 * APART))
        self.assertEqual(offset.read(30.0, 30.0 + HOUR, 30.0), HOUR)


class Wall:
    """
    A machine whose clock can be set; `times` are what a client on it goes by.  While `pause` is not
    0, each reading of the steady clock takes so many seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.pause = 0.0
        self._set_by = 0.0
        self.times = Times(clock, self._monotonic)

    def _monotonic(self) -> float:
        self.clock.rightNow += self.pause
        return self.clock.seconds() - self._set_by

    def set(self, seconds: float) -> None:
        """Somebody sets the clock; nobody has noticed."""
        self.clock.rightNow += seconds
        self._set_by += seconds


class TimesTests(SynchronousTestCase):
    """Both ways, by an hour."""

    def setUp(self) -> None:
        self.clock = clock_at()
        self.wall = Wall(self.clock)
        self.times = self.wall.times
        self.called: list[str] = []
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def call(self, name: str) -> Callable[[], None]:
        """Something to call later, which is then in `called`."""
        return lambda: self.called.append(name)

    def assert_called_after(self, seconds: float, *names: str) -> None:
        """So many seconds from now, and not before, `names` are called."""
        before = list(self.called)
        self.clock.advance(seconds - 0.25)
        self.assertEqual(self.called, before)
        self.clock.advance(0.25)
        self.assertEqual(self.called, before + list(names))

    def test_each_keeps_the_time_that_it_has_left(self) -> None:
        """What is asked for through either clock, and of the reactor itself, is not shifted."""
        for seconds in (HOUR, -HOUR):
            self.times.steady.callLater(10, self.call("steady"))
            self.times.wall.callLater(20, self.call("wall"))
            self.clock.callLater(30, self.call("reactor"))
            self.clock.advance(5)
            self.wall.set(seconds)
            self.times.look()
            self.clock.advance(0)
            self.assert_called_after(5, "steady")
            self.assert_called_after(10, "wall")
            self.assert_called_after(10, "reactor")

    def test_asked_for_between_step_and_look(self) -> None:
        """It is done in its time, and so is what was asked for before."""
        for seconds in (HOUR, -HOUR):
            self.times.steady.callLater(10, self.call("before"))
            self.wall.set(seconds)
            self.times.steady.callLater(5, self.call("after"))
            self.times.look()
            self.clock.advance(0)
            self.assert_called_after(5, "after")
            self.assert_called_after(5, "before")

    def test_asked_of_the_reactor_between_step_and_look(self) -> None:
        """What Twisted asks for itself is done in its time, and what is due at once, at once."""
        for seconds in (HOUR, -HOUR):
            self.times.look()
            self.clock.callLater(10, self.call("before"))
            self.wall.set(seconds)
            self.clock.callLater(0, self.call("at once"))
            self.clock.callLater(5, self.call("after"))
            self.times.look()
            self.clock.advance(0)
            self.assertEqual(self.called[-1:], ["at once"])
            self.assert_called_after(5, "after")
            self.assert_called_after(5, "before")

    def test_a_look_that_sees_nothing(self) -> None:
        """What is asked for meanwhile is done in its time all the same."""
        for seconds in (HOUR, -HOUR):
            self.times.look()
            self.times.steady.callLater(10, self.call("before"))
            self.wall.set(seconds)
            self.wall.pause = 0.125
            self.clock.callLater(0, self.call("at once"))
            self.times.steady.callLater(5, self.call("after"))
            self.assertFalse(self.times.look())
            self.wall.pause = 0.0
            self.assertTrue(self.times.look())
            self.clock.advance(0)
            self.assertEqual(self.called[-1:], ["at once"])
            self.assert_called_after(4.75, "after")
            self.assert_called_after(4.75, "before")

    def test_more_time_than_the_step(self) -> None:
        """A call that was there at the last look, or is the client's, is shifted all the same."""
        self.clock.callLater(60, self.call("reactor"))
        self.times.look()
        self.times.steady.callLater(50, self.call("steady"))
        self.wall.set(20)
        self.times.look()
        self.clock.advance(0)
        self.assert_called_after(50, "steady")
        self.assert_called_after(10, "reactor")

    def test_a_loop(self) -> None:
        """It goes on at its interval."""
        loop = LoopingCall(self.call("again"))
        loop.clock = self.times.steady
        loop.start(10, now=False)
        self.addCleanup(loop.stop)
        for seconds in (HOUR, -HOUR, HOUR):
            self.clock.advance(3)
            self.wall.set(seconds)
            self.times.look()
            self.clock.advance(0)
            self.assert_called_after(7, "again")
            self.assert_called_after(10, "again")

    def test_what_they_show(self) -> None:
        """The wall clock is set, the steady one goes on."""
        begun, date = self.times.steady.seconds(), self.times.wall.seconds()
        self.wall.set(HOUR)
        self.clock.advance(2)
        self.assertEqual(self.times.steady.seconds() - begun, 2)
        self.assertEqual(self.times.wall.seconds() - date, HOUR + 2)

    def test_who_hears_of_it(self) -> None:
        """Every listener, once for a step, not from within the look, and the log."""
        heard: list[tuple[str, float]] = []
        self.times.on_step(lambda seconds: heard.append(("first", seconds)))
        self.times.on_step(lambda seconds: heard.append(("second", seconds)))
        for seconds, words in ((HOUR, "set forward, or it was asleep, by"), (-HOUR, "set back by")):
            heard.clear()
            self.wall.set(seconds)
            with capturedLogs() as events:
                self.times.look()
                self.times.look()
                self.assertEqual(heard, [])
                self.clock.advance(0)
            self.assertEqual(heard, [("first", seconds), ("second", seconds)])
            [event] = events
            self.assertEqual(event["log_level"], LogLevel.warn)
            said = event["log_format"].format(**event)
            self.assertIn(f"This machine's clock was {words} 3600.0 s:", said)

    def test_a_small_step(self) -> None:
        """It is followed in silence, and nothing is shifted."""
        self.times.on_step(lambda seconds: self.fail(f"{seconds} s are no step"))
        self.times.steady.callLater(10, self.call("it"))
        with capturedLogs() as events:
            self.wall.set(-0.5)
            self.times.look()
        self.assert_called_after(10.5, "it")
        self.assertEqual(events, [])


class SetClockwork(Clockwork):
    """The whole core on a machine whose clock is set."""

    def __init__(self, test: SynchronousTestCase) -> None:
        super().__init__(test)
        self.wall = Wall(self.clock)

    def folders(self) -> Folders:
        times = self.wall.times
        return attrs.evolve(super().folders(), clock=times.wall, steady=times.steady)

    def start(self) -> None:
        times = self.wall.times
        source = V1Source(upstream(self.source, times.steady))
        self.client = Poller(self.control(), self.folders(), source, self.intervals, 1)
        times.on_step(self.client.clock_stepped)
        self.client.startService()
        self.settle()

    def set(self, seconds: float) -> None:
        """The clock is set, and that is noticed."""
        self.wall.set(seconds)
        self.wall.times.look()
        self.settle()


class CaptureTests(SynchronousTestCase):
    """A capture while the clock is set by an hour, each way."""

    def setUp(self) -> None:
        self.scene = scene = SetClockwork(self)
        scene.store.create("cats", "cats", Status.STARTING)
        scene.start()
        scene.connect()
        scene.goes(10)

    def test_rates_and_intervals(self) -> None:
        """Reports come at the ping interval, with the rate that it was."""
        for seconds in (HOUR, -HOUR):
            self.scene.goes(5)
            before = len(self.scene.writes())
            self.scene.set(seconds)
            self.scene.posts(50)
            self.scene.goes(5)
            self.scene.goes(10)
            rates = [write["rate"] for write in self.scene.writes()[before:]]
            self.assertEqual(rates, ["5.000", "0.000"])

    def test_silence(self) -> None:
        """It is a stall when it has lasted as long as that, and no sooner."""
        for seconds in (HOUR, -HOUR):
            self.scene.posts(1)
            self.scene.set(seconds)
            peer = self.scene.source.peer
            self.scene.goes(STALL - 1)
            self.assertFalse(peer.hung_up)
            self.scene.goes(2)
            self.assertTrue(peer.hung_up)
            self.scene.connect()

    def test_a_stop(self) -> None:
        """It ends at once, whatever hour it is."""
        for seconds in (HOUR, -HOUR):
            self.scene.set(seconds)
            self.scene.row().status = Status.STOPPING
            self.scene.goes(10)
            self.assertEqual(self.scene.row().status, Status.STOPPED)
            self.scene.row().status = Status.STARTING
            self.scene.goes(10)
            self.scene.connect()

    def test_the_accounts(self) -> None:
        """Both have a line, by the new time; the capture goes on in a file of its new hour."""
        self.scene.posts(3)
        self.scene.set(HOUR)
        self.scene.posts(2)
        self.scene.set(-HOUR)
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
