"""The budget on disk: across restarts, kills, unreadable files, and a disk that is no use."""

import errno
import json
import math
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.threads import Threads
from tcclient.sources.twitter_v2.budget.budget import MOST_UNREAD, SpendingRecord
from tcclient.sources.twitter_v2.budget.keeper import (
    KEEP_INTERVAL,
    LAST_RECORD,
    BudgetKeeper,
)
from tcclient.sources.twitter_v2.budget.limits import BudgetLimits, LimitUse
from tcclient.sources.twitter_v2.budget.news import BudgetNews
from tcclient.sources.twitter_v2.budget.records import RETRY
from tcclient.storage.lane import PATIENCE
from tests import DEPTH
from tests.machine import Machine
from tests.marks import Need, needs
from tests.peers import clock_at
from tests.sources.twitter_v2.budget.test_budget import DAY, HOUR, NOON
from tests.storage.crashes import Say, at_disk_call, run_and_kill
from tests.storage.disk import Acts

T = TypeVar("T")

MIDNIGHT = NOON + 12 * HOUR


class Told(BudgetNews):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def budget_exhausted(self, level: LimitUse, until: float) -> None:
        """Write down which limit is reached, and until when."""
        self.told.append((level, until))

    def budget_unkept(self, reason: str) -> None:
        """Write down the reason."""
        self.told.append(reason)

    def record_awaited(self) -> None:
        """Take no note: what is awaited is asked of the keeper."""

    def budget_renewed(self) -> None:
        """Write down that it is."""
        self.told.append("renewed")


class Killed(BaseException):
    """The process is gone."""


class Disk(Threads):
    """Takes records, counts them, and refuses or dies with the process when it is told to."""

    def __init__(self) -> None:
        self.records = 0
        self.full = False
        self.kill_before = self.kill_after = False
        self.is_gone = False

    def __call__(self, act: Callable[[], T]) -> Deferred[T]:
        """Do it at once; nobody hears of what was under way when the process was killed."""
        if self.is_gone:
            return Deferred()
        try:
            return succeed(act())
        except OSError as e:
            return fail(e)
        except Killed:
            self.is_gone = True
            return Deferred()

    def write(self, path: Path, record: SpendingRecord) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.kill_before:
            raise Killed()
        path.write_bytes(msgspec.json.encode(record))
        self.records += 1
        if self.kill_after:
            raise Killed()


class KeeperTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = clock_at(NOON)
        folder = Path(self.mktemp())
        folder.mkdir()
        self.path = folder / "tcc.budget.json"
        self.disk = Disk()
        self.listener = Told()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def start(self, limits: BudgetLimits | None = None) -> BudgetKeeper:
        """A process begins; it is stopped at the end of the test."""
        self.listener = Told()
        keeper = BudgetKeeper(
            limits or BudgetLimits(100),
            self.path,
            self.clock,
            self.clock.seconds,
            self.listener,
            self.disk.write,
        )
        keeper.startService()
        self.addCleanup(lambda: keeper.stopService() if keeper.running else None)
        return keeper

    def kill(self, keeper: BudgetKeeper) -> None:
        """A process ends without a word: what it had not written is gone."""
        kept = self.path.read_bytes()
        keeper.stopService()
        self.path.write_bytes(kept)

    def spend_each_second(self, keeper: BudgetKeeper, posts: int, seconds: int) -> None:
        for _ in range(seconds):
            for _ in range(8):
                keeper.spend(posts // 8)
                self.clock.advance(0.125)

    def kept(self) -> dict[str, Any]:
        """What is on disk."""
        found: dict[str, Any] = json.loads(self.path.read_bytes())
        return found


class SpendingTests(KeeperTestCase):
    def test_once_a_second(self) -> None:
        """However many come, at a rate that holds."""
        keeper = self.start(BudgetLimits(10**9))
        self.spend_each_second(keeper, 1000, 5)
        before = self.disk.records
        self.spend_each_second(keeper, 1000, 60)
        self.assertLessEqual(self.disk.records - before, 60)
        self.assertGreaterEqual(self.disk.records - before, 50)

    def test_a_rate_that_rises(self) -> None:
        """From nothing to 10,000 a second in pieces of 10: some doublings, not each of them."""
        keeper = self.start(BudgetLimits(10**9))
        before = self.disk.records
        for _ in range(1000):
            keeper.spend(10)
            self.clock.advance(0.001)
        self.assertLessEqual(self.disk.records - before, 1 + math.ceil(math.log2(10_000 / 10)) + 1)

    def test_silence_is_not_recorded(self) -> None:
        """A second after the last post nothing is left to do."""
        keeper = self.start()
        keeper.spend(1)
        self.clock.advance(2 * KEEP_INTERVAL)
        before = self.disk.records
        self.clock.advance(5 * HOUR)
        self.assertEqual((self.disk.records, self.clock.getDelayedCalls()), (before, []))

    def test_how_far_each_limit_is_used(self) -> None:
        """Until when it counts, too; what was spent in a period that is over does not."""
        keeper = self.start(BudgetLimits(100, 1000))
        keeper.spend(30)
        day, month = keeper.limits()
        self.assertEqual((day.name, day.spent, day.limit), ("day", 30, 100))
        self.assertEqual((month.name, month.spent, month.limit), ("month", 30, 1000))
        self.assertTrue(self.clock.seconds() < day.until <= self.clock.seconds() + 24 * HOUR)
        self.clock.advance(day.until - self.clock.seconds())
        self.assertEqual([limit.spent for limit in keeper.limits()], [0, 30])

    def test_used_up(self) -> None:
        """The listener hears of it while the posts are being counted, once."""
        keeper = self.start()
        keeper.spend(99)
        self.assertEqual((keeper.exhausted, self.listener.told), (False, []))
        keeper.spend(2)
        self.assertTrue(keeper.exhausted)
        self.assertEqual(self.listener.told, [(LimitUse("day", 101, 100), MIDNIGHT)])
        keeper.spend(3)
        self.assertEqual(len(self.listener.told), 1)
        self.assertEqual(self.kept()["day_posts"], 101)

    def test_the_month_too(self) -> None:
        """What still comes in after the day's limit can reach the month's; that one is later."""
        keeper = self.start(BudgetLimits(10, 12))
        keeper.spend(10)
        keeper.spend(2)
        december = MIDNIGHT + 7 * DAY
        expected = [(LimitUse("day", 10, 10), MIDNIGHT), (LimitUse("month", 12, 12), december)]
        self.assertEqual(self.listener.told, expected)
        for _ in range(8 * 24):
            self.clock.advance(HOUR)
        self.assertEqual(self.listener.told[2:], ["renewed"])

    def test_renewed(self) -> None:
        """At the next midnight the listener may go on."""
        keeper = self.start()
        keeper.spend(100)
        self.clock.pump([HOUR] * 11 + [HOUR - 1])
        self.assertTrue(keeper.exhausted)
        self.clock.advance(1.01)
        self.assertEqual((self.listener.told[1:], keeper.exhausted), (["renewed"], False))
        keeper.spend(99)
        self.assertFalse(keeper.exhausted)

    def test_the_clock_goes_back_over_midnight(self) -> None:
        """The new day goes on: it is renewed once, and what is used up stays so."""
        keeper = self.start()
        keeper.spend(100)
        self.clock.pump([HOUR] * 13)
        keeper.spend(60)
        self.clock.rightNow -= 2 * HOUR
        keeper.spend(40)
        self.assertTrue(keeper.exhausted)
        self.clock.pump([HOUR] * 20)
        self.assertEqual(self.listener.told.count("renewed"), 1)
        keeper.stopService()
        self.assertTrue(self.start().exhausted)

    def test_the_clock_is_set(self) -> None:
        """Beyond midnight the listener may go on at once; back, it waits until midnight comes."""
        keeper = self.start()
        keeper.spend(100)
        self.clock.pump([HOUR] * 11)
        for set_by, told in ((-10 * HOUR, []), (11.5 * HOUR, ["renewed"])):
            for call in self.clock.getDelayedCalls():
                call.delay(set_by)
            self.clock.rightNow += set_by
            keeper.clock_stepped(set_by)
            self.assertEqual(self.listener.told[1:], told)
        keeper.clock_stepped(HOUR)
        self.assertEqual(self.listener.told[1:], ["renewed"])

    def test_a_step_that_the_keeper_notices(self) -> None:
        """It asks for the date itself, and is told of the step meanwhile: it is renewed once."""
        machine = Machine()
        wall, listener = machine.wall, Told()
        keeper = BudgetKeeper(BudgetLimits(100), self.path, machine.steady, wall, listener)
        wall.on_step(keeper.clock_stepped)
        keeper.startService()
        keeper.spend(100)
        for set_by, told in ((-HOUR, []), (30 * HOUR, ["renewed"]), (-HOUR, ["renewed"])):
            machine.set(set_by)
            keeper.cut()
            machine.steady.advance(HOUR)
            self.assertEqual(listener.told[1:], told)
        keeper.stopService()
        self.assertEqual(machine.steady.getDelayedCalls(), [])

    def test_a_warning(self) -> None:
        """At 80 % of a limit, once in its period, restarts and kills included."""
        with capturedLogs() as events:
            keeper = self.start(BudgetLimits(100, 10**6))
            for _ in range(85):
                keeper.spend(1)
            self.kill(keeper)
            self.start(BudgetLimits(100, 10**6)).stopService()
        found = [event["log_format"].format(**event) for event in events]
        sentence = "Of the 100 posts that twitter.budget allows this day, 80 are used."
        self.assertEqual(found.count(sentence), 1)
        self.assertEqual(len([line for line in found if "allows" in line]), 1)


class RestartTests(KeeperTestCase):
    def test_a_proper_end(self) -> None:
        """Nothing is forgotten and nothing added."""
        keeper = self.start()
        keeper.spend(40)
        keeper.stopService()
        self.start().stopService()
        self.assertEqual((self.kept()["day_posts"], self.kept()["ahead"]), (40, 0))

    def test_counts_go_on(self) -> None:
        """What was spent before counts."""
        keeper = self.start()
        keeper.spend(60)
        keeper.stopService()
        keeper = self.start()
        keeper.spend(40)
        self.assertTrue(keeper.exhausted)

    def test_what_arrives_after_the_end(self) -> None:
        """Posts of a connection that takes its time to close are counted, without a timer."""
        keeper = self.start()
        keeper.stopService()
        keeper.spend(7)
        self.assertEqual((self.kept()["day_posts"], self.kept()["ahead"]), (7, 0))

    def test_stopped_and_started_again(self) -> None:
        """The same keeper tells its listener again that nothing is left, and when there is."""
        keeper = self.start()
        keeper.spend(100)
        keeper.stopService()
        keeper.startService()
        self.assertEqual(self.listener.told, [(LimitUse("day", 100, 100), MIDNIGHT)] * 2)
        self.clock.pump([HOUR] * 13)
        self.assertEqual(self.listener.told[2:], ["renewed"])

    def test_a_folder_that_was_away(self) -> None:
        """What was spent before and in between counts together, once, when it is back."""
        keeper = self.start(BudgetLimits(200, 1000))
        self.spend_each_second(keeper, 80, 1)
        self.kill(keeper)
        before = self.kept()
        away = self.path.rename(self.path.with_name("away"))
        keeper = self.start(BudgetLimits(200, 1000))
        keeper.spend(7)
        hidden = self.path.rename(self.path.with_name("hidden"))
        away.rename(self.path)
        with capturedLogs() as events:
            keeper.spend(3)
            self.clock.advance(2 * KEEP_INTERVAL)
        spent = before["day_posts"] + before["ahead"] + 10
        self.assertEqual([limit.spent for limit in keeper.limits()], [spent, spent])
        self.assertEqual((self.kept()["day_posts"], self.kept()["month_posts"]), (spent, spent))
        self.assertEqual(self.kept()["day_estimate"], before["ahead"])
        [said] = [formatEvent(event) or "" for event in events]
        self.assertIn(f"{spent - 10} posts of the day", said)
        hidden.replace(self.path)
        keeper.spend(200 - spent)
        self.assertEqual((keeper.exhausted, self.kept()["day_posts"]), (True, 200))

    def test_a_spent_folder_that_was_away(self) -> None:
        """Nothing more is bought when it is back."""
        keeper = self.start()
        keeper.spend(99)
        keeper.stopService()
        away = self.path.rename(self.path.with_name("away"))
        keeper = self.start()
        away.replace(self.path)
        keeper.spend(1)
        self.clock.advance(2 * KEEP_INTERVAL)
        self.assertEqual(self.listener.told, [(LimitUse("day", 100, 100), MIDNIGHT)])

    def test_a_folder_that_goes_away_in_the_middle_of_a_record(self) -> None:
        """It is no trouble with the disk: nothing is said, and buying goes on."""
        nth, has_come = 0, True
        while has_come:
            path = self.path.parent / str(nth) / self.path.name
            keeper = BudgetKeeper(
                BudgetLimits(1000), path, self.clock, self.clock.seconds, self.listener
            )
            keeper.startService()

            def swap(folder: Path = path.parent) -> None:
                folder.rename(f"{folder} away")

            with capturedLogs() as events, at_disk_call(nth, swap) as came:
                keeper.spend(80)
            self.assertEqual((events, keeper.exhausted), ([], False))
            keeper.stopService()
            self.assertEqual(json.loads(path.read_bytes())["day_posts"], 80)
            nth, has_come = nth + 1, came()
        self.assertGreater(nth, 5)

    def test_a_kill(self) -> None:
        """A second at the last rate is added for what had not been written, as an estimate."""
        keeper = self.start(BudgetLimits(1000))
        self.spend_each_second(keeper, 80, 5)
        kept = self.kept()
        keeper.spend(9)
        self.kill(keeper)
        self.assertEqual(kept["ahead"], 80)
        with capturedLogs() as events:
            self.start(BudgetLimits(1000))
        self.assertEqual(self.kept()["day_posts"], kept["day_posts"] + 80)
        self.assertEqual(self.kept()["day_estimate"], 80)
        self.assertEqual([event["ahead"] for event in events], [80])
        self.assertIn("an estimate, rounded up", events[0]["log_format"])

    def test_kills_that_cost_nothing(self) -> None:
        """A process that has bought nothing adds nothing, however often it is killed."""
        self.start().stopService()
        for _ in range(20):
            self.kill(self.start())
        self.assertEqual(self.kept()["day_posts"], 0)

    def test_kills_in_the_first_second(self) -> None:
        """A service that is started again and again still comes to its limit."""
        bought = 0
        for _ in range(50):
            keeper = self.start()
            while not keeper.exhausted and bought % 30 < 29:
                keeper.spend(1)
                bought += 1
            self.kill(keeper)
            bought += bought % 30 == 29 and not keeper.exhausted
        self.assertLessEqual(bought, 101 + 50)

    def test_a_kill_after_a_silence(self) -> None:
        """The rate is that of the posts, not of the night before them."""
        keeper = self.start(BudgetLimits(10**6, 10**6))
        self.spend_each_second(keeper, 8, 2)
        self.clock.advance(8 * HOUR)
        for _ in range(7):
            keeper.spend(125)
            self.clock.advance(0.125)
        self.kill(keeper)
        self.start(BudgetLimits(10**6, 10**6))
        bought = 2 * 8 + 7 * 125
        self.assertGreaterEqual(self.kept()["month_posts"], bought)
        self.assertLessEqual(self.kept()["month_posts"], bought + 1000)

    def test_used_up_before(self) -> None:
        """The listener is told at the start."""
        keeper = self.start()
        keeper.spend(100)
        keeper.stopService()
        self.start()
        self.assertEqual(self.listener.told, [(LimitUse("day", 100, 100), MIDNIGHT)])

    def test_other_limits(self) -> None:
        """A raised limit opens it again; one below what is spent closes it."""
        keeper = self.start()
        keeper.spend(100)
        keeper.stopService()
        self.assertFalse(self.start(BudgetLimits(200)).exhausted)
        self.assertTrue(self.start(BudgetLimits(None, 50)).exhausted)

    def test_a_later_day(self) -> None:
        """Days that passed while nothing ran are over."""
        keeper = self.start()
        keeper.spend(100)
        keeper.stopService()
        self.clock.advance(DAY)
        self.assertFalse(self.start().exhausted)


class DiskTests(KeeperTestCase):
    def test_unreadable(self) -> None:
        """It stands for a budget that is used up, stays as it is, and the log says what to do."""
        good = json.loads(
            '{"version":1,"day":"2026-11-23","month":"2026-11","day_posts":3,"month_posts":3,'
            '"ahead":0,"warned":[]}'
        )
        self.path.write_text(json.dumps(good))
        self.assertFalse(self.start().exhausted)
        wrong = (
            *(b"", b"{", b"[]", b"{}", b"null", b"\xff", b"[" * 60_000, b" " * 70_000),
            *(
                json.dumps({**good, key: value}).encode()
                for key, value in (
                    *(("version", 2), ("version", "1"), ("day", "2026-13-01"), ("day", "zzz")),
                    *(("month", "2026-10"), ("day_posts", -1), ("day_posts", 1.5), ("x", 1)),
                    *(("month_posts", None), ("ahead", True), ("warned", 3)),
                )
            ),
        )
        for content in wrong:
            self.path.write_bytes(content)
            with capturedLogs() as events:
                keeper = self.start()
                self.assertTrue(keeper.exhausted, content)
                keeper.stopService()
            self.assertIn("To begin at 0, remove the file", formatEvent(events[0]) or "")
            self.assertEqual(self.path.read_bytes(), content)
            self.assertEqual(self.listener.told, [(LimitUse("day", 100, 100, 100), MIDNIGHT)])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_newer_version(self) -> None:
        """The log says that it is one."""
        self.path.write_text('{"version": 2, "years": {}}')
        with capturedLogs() as events:
            self.start()
        text = events[0]["log_format"].format(**events[0])
        self.assertIn("a newer client has written it (version 2)", text)

    def test_a_folder_in_its_place(self) -> None:
        """Cannot be read either."""
        self.path.mkdir()
        self.assertTrue(self.start().exhausted)

    def test_a_fifo_in_its_place(self) -> None:
        """Nobody waits at it."""
        os.mkfifo(self.path)
        self.assertTrue(self.start().exhausted)

    def test_unreadable_until_the_next_period(self) -> None:
        """Then the count begins anew, and the file is replaced."""
        self.path.write_bytes(b"{")
        keeper = self.start()
        self.clock.pump([HOUR] * 13)
        self.assertEqual((self.listener.told[1:], keeper.exhausted), (["renewed"], False))
        self.assertEqual(self.kept()["day_posts"], 0)

    def test_no_place_at_the_start(self) -> None:
        """Where a record cannot be written nothing is bought, until it can."""
        self.disk.full = True
        with capturedLogs() as events:
            keeper = self.start()
            self.clock.pump([RETRY] * 3)
        self.assertEqual(len(events), 1)
        self.assertTrue(keeper.exhausted)
        [reason] = self.listener.told
        self.assertIn("No space left", str(reason))
        self.disk.full = False
        self.clock.advance(RETRY)
        self.assertEqual((keeper.exhausted, self.listener.told[1:]), (False, ["renewed"]))

    def test_no_place_any_more(self) -> None:
        """What the last record provides for may be spent, and no more."""
        keeper = self.start(BudgetLimits(10**6))
        self.spend_each_second(keeper, 80, 3)
        left = self.kept()["day_posts"] + self.kept()["ahead"] - 240
        self.disk.full = True
        self.clock.advance(2 * KEEP_INTERVAL)
        while not keeper.exhausted:
            keeper.spend(1)
            left -= 1
        self.assertEqual(left, 0)
        kept = self.kept()
        self.assertGreaterEqual(kept["day_posts"] + kept["ahead"], 240)
        keeper.stopService()

    def test_a_folder_that_is_not_there_yet(self) -> None:
        """It is made."""
        path = self.path.parent / "data" / "x.json"
        keeper = BudgetKeeper(BudgetLimits(10), path, self.clock, self.clock.seconds, self.listener)
        keeper.startService()
        keeper.stopService()
        self.assertEqual([each.name for each in path.parent.iterdir()], ["x.json"])

    @needs(Need.PROCESSES)
    def test_nothing_but_whole_records(self) -> None:
        """Killed at any call to the disk, a process leaves a record with all that it had told."""
        for nth in range(400):
            path = self.path.with_name(f"{nth}.json")

            def live(say: Say, path: Path = path) -> None:
                clock = clock_at(NOON)
                keeper = BudgetKeeper(BudgetLimits(10**6), path, clock, clock.seconds, Told())
                keeper.startService()
                for second in range(1, 4):
                    keeper.spend(second)
                    say(second)
                    clock.advance(KEEP_INTERVAL)
                keeper.stopService()

            life = run_and_kill(nth, live)
            keeper = BudgetKeeper(
                BudgetLimits(10**6),
                path,
                self.clock,
                self.clock.seconds,
                self.listener,
                self.disk.write,
            )
            keeper.startService()
            found = json.loads(path.read_bytes())["day_posts"]
            keeper.stopService()
            self.assertGreaterEqual(found, sum(life.stored))
            if not life.killed:
                self.assertEqual(found, 6)
                return
        self.fail("It never came to its end.")


_PIECE = st.integers(1, 60)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("spend"), _PIECE),
        st.tuples(st.just("spend"), _PIECE),
        st.tuples(st.just("wait"), st.sampled_from((0.01, 0.2, 0.9, 1.0, 7.0, HOUR, 9 * HOUR))),
        st.tuples(st.just("back"), st.sampled_from((0.5, 60.0, HOUR))),
        st.tuples(st.just("kill"), st.just(0)),
        st.tuples(st.just("kill_before"), _PIECE),
        st.tuples(st.just("kill_after"), _PIECE),
        st.tuples(st.just("stop"), st.just(0)),
    ),
    max_size=60,
)


class Books:
    """Lives of a client one after the other, and what they have bought in truth."""

    def __init__(self, path: Path, limits: BudgetLimits) -> None:
        self.path, self.limits = path, limits
        self.clock = Clock()
        self.clock.rightNow = MIDNIGHT + 6 * DAY + 20 * HOUR  # the month is nearly over
        self.newest = self.clock.rightNow
        self.bought: Counter[int] = Counter()
        self.in_hand: Counter[int] = Counter()
        self.biggest = 0
        self.live()

    def live(self) -> None:
        now, self.clock = self.clock.rightNow, Clock()  # with what the last life had planned
        self.clock.rightNow = now
        self.disk = Disk()
        clock, disk = self.clock, self.disk
        self.keeper = BudgetKeeper(
            self.limits, self.path, clock, clock.seconds, Told(), disk.write, disk
        )
        self.keeper.startService()

    def day(self) -> int:
        """The newest that the clock has shown: one that is over does not come back."""
        self.newest = max(self.newest, self.clock.rightNow)
        return int(self.newest // DAY)

    def step(self, what: str, size: float) -> None:
        if what == "wait":
            self.clock.pump([min(size, HOUR)] * math.ceil(size / HOUR))
        elif what == "back":
            self.clock.rightNow -= size
        elif what == "kill":
            self.live()
        elif what == "stop":
            self.keeper.stopService()
            self.live()
        elif not self.keeper.exhausted:
            self.buy(what, int(size))

    def buy(self, what: str, posts: int) -> None:
        self.bought[self.day()] += posts
        self.biggest = max(self.biggest, posts)
        self.disk.kill_before, self.disk.kill_after = what == "kill_before", what == "kill_after"
        self.keeper.spend(posts)
        if self.disk.is_gone:
            if self.disk.kill_before:
                self.in_hand[self.day()] += posts
            self.live()
        self.disk.kill_before = self.disk.kill_after = False


class PausedTests(KeeperTestCase):
    """Nothing is read of what X sends, at 80 posts a second before."""

    def paused(self, limits: BudgetLimits | None = None) -> BudgetKeeper:
        """Return a keeper that has been told that nothing is read."""
        keeper = self.start(limits or BudgetLimits(10**6))
        self.spend_each_second(keeper, 80, 3)
        keeper.pauseProducing()
        return keeper

    def test_killed(self) -> None:
        """What has been sent meanwhile is provided for, and a second's worth."""
        keeper = self.paused()
        self.clock.pump([0.5] * 20)
        self.kill(keeper)
        found = self.start(BudgetLimits(10**6))
        found.stopService()
        kept = self.kept()
        self.assertGreaterEqual(kept["day_posts"], 240 + 10 * 80)
        self.assertLessEqual(kept["day_posts"], 240 + 12 * 88)
        self.assertEqual(kept["day_estimate"], kept["day_posts"] - 240)

    def test_read_after_all(self) -> None:
        """The posts are counted, and no estimate is left."""
        keeper = self.paused()
        self.clock.pump([0.5] * 20)
        keeper.resumeProducing()
        keeper.spend(700)
        keeper.stopService()
        self.assertEqual((self.kept()["day_posts"], self.kept()["day_estimate"]), (940, 0))

    def test_the_connection_ends(self) -> None:
        """Nobody will count them: they are spent, by the estimate, once."""
        keeper = self.paused()
        self.clock.pump([0.5] * 4)
        keeper.cut()
        keeper.cut()
        self.clock.pump([1.0] * 10)
        keeper.stopService()
        kept = self.kept()
        self.assertEqual(kept["day_posts"], 240 + kept["day_estimate"])
        self.assertIn(kept["day_estimate"], range(2 * 80, 2 * 88 + 1))

    def test_the_process_ends(self) -> None:
        """The same."""
        keeper = self.paused()
        self.clock.pump([0.5] * 4)
        keeper.stopService()
        self.assertIn(self.kept()["day_estimate"], range(2 * 80, 2 * 88 + 1))

    def test_a_limit(self) -> None:
        """It is taken for reached when it may be, and what is said tells the estimate."""
        self.paused(BudgetLimits(1000))
        self.clock.pump([0.5] * 16)
        self.assertEqual(self.listener.told, [])
        self.clock.pump([0.5] * 6)
        ((level, _),) = self.listener.told
        self.assertRegex(level.used, r"at most 1[0-9]{3} \([0-9]{3} of them estimated\)")

    def test_nobody_sends_without_end(self) -> None:
        """What the buffers hold is a bound."""
        keeper = self.paused()
        self.clock.pump([1.0] * 1000)
        keeper.cut()
        self.assertEqual(self.kept()["day_estimate"], MOST_UNREAD)

    def test_the_disk_is_full(self) -> None:
        """No record can provide for more: the connection has to be closed."""
        keeper = self.paused()
        self.disk.full = True
        self.clock.pump([0.5] * 5)
        self.assertTrue(keeper.exhausted)
        self.disk.full = False
        keeper.cut()


class HangingTests(KeeperTestCase):
    """The disk takes its time; the last record provides for 80 posts."""

    def setUp(self) -> None:
        super().setUp()
        self.acts = Acts()
        clock, write = self.clock, self.disk.write
        self.keeper = BudgetKeeper(
            BudgetLimits(1000), self.path, clock, clock.seconds, self.listener, write, self.acts
        )
        self.keeper.startService()
        self.acts.do_all()
        self.keeper.spend(40)
        self.acts.do_all()
        self.assertEqual(self.kept()["ahead"], 80)
        self.addCleanup(self.acts.do_all)
        self.addCleanup(self.keeper.stopService)

    def test_what_the_last_record_provides_for(self) -> None:
        """Is read meanwhile; more is awaited, and what comes all the same is counted."""
        self.clock.advance(0.1)
        self.keeper.spend(80)
        self.assertEqual((self.acts.waiting, self.keeper.is_awaited), ([], False))
        self.keeper.spend(1)
        self.assertEqual((len(self.acts.waiting), self.keeper.is_awaited), (1, True))
        self.keeper.spend(5)
        self.acts.do()
        self.assertEqual(self.kept()["day_posts"], 121)
        self.assertFalse(self.keeper.is_awaited)
        self.clock.advance(KEEP_INTERVAL)
        self.acts.do()
        self.assertEqual(self.kept()["day_posts"], 126)

    def test_killed_meanwhile(self) -> None:
        """What was read is in what the last record provides for."""
        self.keeper.spend(80)
        self.clock.advance(KEEP_INTERVAL)
        self.assertEqual(len(self.acts.waiting), 1)
        self.assertEqual((self.kept()["day_posts"], self.kept()["ahead"]), (40, 80))

    def test_for_long(self) -> None:
        """It counts as a disk that refuses: nothing more is bought until it answers."""
        self.keeper.spend(81)
        self.clock.advance(PATIENCE)
        self.assertEqual((self.keeper.is_awaited, self.keeper.exhausted), (False, True))
        reason = f"it has not answered for {PATIENCE:g} s"
        self.assertEqual(self.listener.told, [reason])
        self.acts.do_all()
        self.assertEqual((self.listener.told, self.keeper.exhausted), ([reason, "renewed"], False))

    def test_the_end(self) -> None:
        """Waits for LAST_RECORD; what comes after what is under way is in another record."""
        self.keeper.spend(81)
        stopped = self.keeper.stopService()
        self.clock.advance(LAST_RECORD - 0.1)
        self.assertNoResult(stopped)
        self.clock.advance(0.1)
        self.successResultOf(stopped)
        self.acts.do_all()
        self.assertEqual((self.kept()["day_posts"], self.kept()["ahead"]), (121, 0))


class BoundTests(SynchronousTestCase):
    """Whatever happens, no more is bought than the limit and what came in one piece."""

    @settings(deadline=None, max_examples=150 * DEPTH, database=None, derandomize=True)
    @given(_STEPS, st.integers(1, 300), st.integers(1, 600))
    def test_bound(self, steps: list[tuple[str, float]], daily: int, monthly: int) -> None:
        """
        Kills at any moment, any number of them, and a clock that goes back.  Only a kill within
        the very record that a piece made necessary can lose that piece.
        """
        path = Path(self.mktemp())
        books = Books(path, BudgetLimits(daily, monthly))
        for what, size in steps:
            books.step(what, size)
        books.keeper.stopService()
        for day, bought in books.bought.items():
            self.assertLess(bought, daily + books.biggest + books.in_hand[day])
        self.assertEqual(books.clock.getDelayedCalls(), [])
