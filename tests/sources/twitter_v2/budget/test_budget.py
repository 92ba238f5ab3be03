"""How many posts may still be bought: limits, periods, levels, and what a record provides for."""

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v2.budget.budget import NOTHING_SPENT, Budget, SpendingRecord
from tcclient.sources.twitter_v2.budget.limits import BudgetLimits, LimitUse, limits_from

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86400.0
LIMITS = BudgetLimits(posts_per_day=100, posts_per_month=250)


def fresh(limits: BudgetLimits = LIMITS) -> Budget:
    """A budget of which nothing is used."""
    return Budget(limits, NOTHING_SPENT, NOON)


def spent(budget: Budget) -> list[int]:
    """In the day and in the month."""
    return [level.spent for level in budget.levels()]


class PeriodTests(SynchronousTestCase):
    def test_a_new_day(self) -> None:
        """The day's count begins anew at midnight UTC, the month's goes on."""
        budget = fresh()
        budget.spend(100, NOON)
        budget.roll(NOON + 12 * HOUR - 1)
        self.assertEqual(budget.exhausted(), LimitUse("day", 100, 100))
        budget.roll(NOON + 12 * HOUR)
        self.assertIsNone(budget.exhausted())
        self.assertEqual(spent(budget), [0, 100])

    def test_a_new_month(self) -> None:
        """Both begin anew."""
        budget = fresh()
        budget.spend(250, NOON)
        budget.roll(NOON + 8 * DAY)
        self.assertEqual(spent(budget), [0, 0])

    def test_the_clock_goes_back(self) -> None:
        """A day that is over does not come back, and one that has begun does not begin again."""
        budget = fresh()
        budget.spend(100, NOON + 12 * HOUR)
        for hours in (11.0, 11.9, 12.0, 13.0):
            budget.spend(1, NOON + hours * HOUR)
        self.assertEqual(spent(budget), [104, 104])

    def test_the_clock_goes_back_over_the_end_of_a_month(self) -> None:
        """The new month goes on, and so does its count."""
        budget = fresh()
        december = NOON + 7 * DAY + 12 * HOUR
        budget.spend(250, december)
        budget.spend(1, december - HOUR)
        budget.roll(december + HOUR)
        self.assertEqual(budget.exhausted(), LimitUse("month", 251, 250))

    def test_the_clock_was_years_ahead(self) -> None:
        """Set right again, it does not keep the budget shut for years, nor does it renew it."""
        budget = fresh()
        budget.spend(100, NOON + 3000 * DAY)
        budget.roll(NOON)
        self.assertEqual(budget.exhausted(), LimitUse("day", 100, 100))
        self.assertEqual(budget.renewed_at(LimitUse("day", 100, 100)), NOON + 12 * HOUR)

    def test_when_it_is_renewed(self) -> None:
        """At the next midnight, or at the first of the next month, also in December."""
        budget = fresh()
        self.assertEqual(budget.renewed_at(LimitUse("day", 1, 1)), NOON + 12 * HOUR)
        first = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
        self.assertEqual(budget.renewed_at(LimitUse("month", 1, 1)), first)
        december = Budget(LIMITS, NOTHING_SPENT, first + 30 * DAY)
        january = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
        self.assertEqual(december.renewed_at(LimitUse("month", 1, 1)), january)

    def test_the_longer_limit_counts(self) -> None:
        """Where both are reached, the month's is the one to wait for."""
        budget = fresh()
        budget.spend(250, NOON)
        self.assertEqual(budget.exhausted(), LimitUse("month", 250, 250))


class LevelTests(SynchronousTestCase):
    def test_both_sides_of_each_border(self) -> None:
        """A warning from 80 %, the end at 100 %."""
        seen = [
            (n, LimitUse("day", n, 10).nearly, LimitUse("day", n, 10).exhausted)
            for n in (7, 8, 9, 10)
        ]
        expected = [(7, False, False), (8, True, False), (9, True, False), (10, True, True)]
        self.assertEqual(seen, expected)

    def test_no_limit(self) -> None:
        """What has no limit is never reached."""
        budget = fresh(BudgetLimits(posts_per_month=5))
        budget.spend(4, NOON)
        self.assertIsNone(budget.exhausted())
        self.assertEqual([level.name for level in budget.levels()], ["month"])

    def test_news(self) -> None:
        """Each border is told once in its period, in the next one again."""
        budget, told = fresh(BudgetLimits(10)), []
        for now in (NOON, NOON + DAY):
            for _ in range(12):
                budget.spend(1, now)
                told += budget.news()
        once = [LimitUse("day", 8, 10), LimitUse("day", 10, 10)]
        self.assertEqual(told, once * 2)

    def test_past_both_borders_at_once(self) -> None:
        """There is no warning any more."""
        budget = fresh(BudgetLimits(10))
        budget.spend(11, NOON)
        self.assertEqual(budget.news(), (LimitUse("day", 11, 10),))
        self.assertEqual(budget.news(), ())


class RecordTests(SynchronousTestCase):
    def keep(self, budget: Budget, now: float) -> SpendingRecord:
        record = budget.record(now)
        budget.kept(record)
        return record

    def test_rounded_up(self) -> None:
        """After a kill, all that the record provides for is taken as spent."""
        kept = msgspec.structs.replace(
            NOTHING_SPENT, day="2026-11-23", month="2026-11", day_posts=50, month_posts=60
        )
        self.assertEqual(spent(Budget(LIMITS, kept, NOON)), [50, 60])
        killed = msgspec.structs.replace(kept, ahead=13)
        self.assertEqual(spent(Budget(LIMITS, killed, NOON)), [63, 73])
        self.assertEqual(spent(Budget(LIMITS, killed, NOON + DAY)), [0, 73])

    def test_what_was_not_counted(self) -> None:
        """It is told apart from what was, adds up over kills, and ends with its period."""
        budget = fresh()
        for _ in range(2):
            budget.spend(10, NOON)
            budget = Budget(LIMITS, budget.record(NOON + 1), NOON)
        day, month = budget.levels()
        self.assertEqual(day.used, "at most 40 (20 of them estimated)")
        budget = Budget(LIMITS, budget.last_record(), NOON + DAY)
        day, month = budget.levels()
        self.assertEqual((day.used, month.used), ("0", "at most 40 (20 of them estimated)"))

    def test_a_second_at_the_measured_rate(self) -> None:
        """Measured from the first post after the last record: silence before it does not count."""
        budget = fresh()
        for start in (NOON, NOON + 1, NOON + HOUR):
            for tenth in range(11):
                budget.spend(10, start + tenth / 10)
            self.assertEqual(self.keep(budget, start + 1).ahead, 110)

    def test_less_than_half_a_second_says_little(self) -> None:
        """A rate from a few milliseconds would provide for far too much."""
        budget = fresh()
        budget.spend(10, NOON)
        self.assertEqual(self.keep(budget, NOON).ahead, 20)

    def test_when_a_record_is_due(self) -> None:
        """When more has come than the last provides for, or the day is another."""
        budget = fresh()
        budget.spend(10, NOON)
        self.assertLess(budget.room, 0)
        self.keep(budget, NOON + 1)
        self.assertEqual(budget.room, 10)
        budget.spend(10, NOON + 1)
        self.assertEqual(budget.room, 0)
        budget.spend(1, NOON + 1)
        self.assertEqual(budget.room, -1)
        self.keep(budget, NOON + 2)
        self.assertGreater(budget.room, 0)
        budget.spend(1, NOON + DAY)
        self.assertLess(budget.room, 0)

    def test_it_falls_slowly(self) -> None:
        """A second with fewer posts does not make the next ordinary one need two records."""
        budget, seen = fresh(), []
        for second, posts in enumerate((100, 10, 10, 10)):
            budget.spend(posts, NOON + second)
            seen.append(self.keep(budget, NOON + second + 1).ahead)
        self.assertEqual(seen, [100, 75, 56, 42])

    @given(st.lists(st.tuples(st.integers(0, 500), st.floats(-3600, 3600)), max_size=30))
    def test_a_record_at_every_time_that_it_is_due(self, steps: list[tuple[int, float]]) -> None:
        """Whatever comes at whatever times: a restart never finds less than was spent."""
        budget, now = fresh(), NOON
        kept = self.keep(budget, now)
        for posts, seconds in steps:
            now += seconds
            budget.spend(posts, now)
            if budget.room < 0:
                kept = self.keep(budget, now)
            again = Budget(LIMITS, kept, now)
            self.assertTrue(all(a >= b for a, b in zip(spent(again), spent(budget), strict=True)))


class SettingsTests(SynchronousTestCase):
    def test_limits(self) -> None:
        """One of them or both."""
        self.assertEqual(limits_from(None), BudgetLimits())
        self.assertEqual(limits_from({"posts_per_day": 3}), BudgetLimits(3))
        both = {"posts_per_day": None, "posts_per_month": 4}
        self.assertEqual(limits_from(both), BudgetLimits(None, 4))

    def test_refused(self) -> None:
        """With a clause that says what is wrong."""
        table = (
            ({}, "there is no limit"),
            ({"posts_per_day": None}, "there is no limit"),
            ({"posts_per_day": 0}, "not a whole number from 1 up"),
            ({"posts_per_day": True}, "not a whole number from 1 up"),
            ({"posts_per_day": 1.5}, "not a whole number from 1 up"),
            ({"posts": 1}, "is not one of posts_per_day, posts_per_month"),
        )
        for given_, clause in table:
            self.assertIn(clause, str(self.assertRaises(ValueError, limits_from, given_)))
