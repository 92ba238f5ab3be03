"""How many posts may still be bought: periods, levels, and what a kill -9 costs."""

from datetime import UTC, datetime

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.budget import Budget, BudgetLimits, Level, Record, limits_from

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86400.0
LIMITS = BudgetLimits(posts_per_day=100, posts_per_month=250)


def fresh(limits: BudgetLimits = LIMITS) -> Budget:
    """A budget of which nothing is used."""
    return Budget(limits, Record(), NOON)


class PeriodTests(SynchronousTestCase):
    def test_a_new_day(self) -> None:
        """The day's count begins anew at midnight UTC, the month's goes on."""
        budget = fresh()
        budget.spend(100, NOON)
        self.assertEqual(budget.exhausted(), Level("day", 100, 100))
        self.assertFalse(budget.roll(NOON + 12 * HOUR - 1))
        self.assertTrue(budget.roll(NOON + 12 * HOUR))
        self.assertIsNone(budget.exhausted())
        self.assertEqual([level.spent for level in budget.levels()], [0, 100])

    def test_a_new_month(self) -> None:
        """Both begin anew."""
        budget = fresh()
        budget.spend(250, NOON)
        budget.roll(NOON + 8 * DAY)
        self.assertEqual([level.spent for level in budget.levels()], [0, 0])

    def test_the_clock_goes_back(self) -> None:
        """A day that is over does not come back, and what was spent stays spent."""
        budget = fresh()
        budget.spend(100, NOON + 13 * HOUR)
        self.assertFalse(budget.roll(NOON))
        self.assertEqual(budget.exhausted(), Level("day", 100, 100))

    def test_when_it_is_renewed(self) -> None:
        """At the next midnight, or at the first of the next month, also in December."""
        budget = fresh()
        self.assertEqual(budget.renewed_at(Level("day", 1, 1)), NOON + 12 * HOUR)
        first = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
        self.assertEqual(budget.renewed_at(Level("month", 1, 1)), first)
        december = Budget(LIMITS, Record(), first + DAY)
        january = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
        self.assertEqual(december.renewed_at(Level("month", 1, 1)), january)

    def test_the_longer_limit_counts(self) -> None:
        """Where both are reached, the month's is the one to wait for."""
        budget = fresh()
        budget.spend(250, NOON)
        self.assertEqual(budget.exhausted(), Level("month", 250, 250))


class LevelTests(SynchronousTestCase):
    def test_both_sides_of_each_border(self) -> None:
        """A warning from 80 %, the end at 100 %."""
        seen = [
            (n, Level("day", n, 10).nearly, Level("day", n, 10).exhausted) for n in (7, 8, 9, 10)
        ]
        expected = [(7, False, False), (8, True, False), (9, True, False), (10, True, True)]
        self.assertEqual(seen, expected)

    def test_no_limit(self) -> None:
        """What has no limit is never reached."""
        budget = fresh(BudgetLimits(posts_per_month=5))
        budget.spend(4, NOON)
        self.assertIsNone(budget.exhausted())
        self.assertEqual([level.name for level in budget.levels()], ["month"])


class CrashTests(SynchronousTestCase):
    def test_rounded_up(self) -> None:
        """After a kill, a second at the last rate is added; after a proper end nothing is."""
        for clean, expected in ((False, 63), (True, 50)):
            kept = Record("2026-11-23", "2026-11", 50, 50, 12.5, clean)
            self.assertEqual(Budget(LIMITS, kept, NOON).levels()[0].spent, expected)

    @given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=40))
    def test_never_more_than_a_second_over(self, seconds: list[tuple[int, bool]]) -> None:
        """
        Each second some posts come at a steady rate, and the process may be killed just before
        that second is recorded: what is bought in truth stays within a second of the limit.
        """
        rate = max((posts for posts, _ in seconds), default=0)
        limits, bought = BudgetLimits(posts_per_day=100), 0
        kept = Record(rate=float(rate))
        budget = Budget(limits, kept, NOON)
        for _, killed in seconds:
            if budget.exhausted():
                break
            budget.spend(rate, NOON)
            bought += rate
            if killed:
                budget = Budget(limits, attrs.evolve(kept, clean=False), NOON)
            kept = attrs.evolve(budget.record, rate=float(rate))  # a start records, too
        self.assertLessEqual(bought, 100 + rate)


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
