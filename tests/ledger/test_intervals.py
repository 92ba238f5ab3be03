"""Stretches of time, compared with sets of seconds."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.intervals import Interval, merged, total, within, without

INTERVALS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=6)


def moments(intervals: list[Interval]) -> set[int]:
    """The whole seconds in them."""
    return {second for begin, end in intervals for second in range(int(begin), int(end))}


class IntervalTests(SynchronousTestCase):
    @given(INTERVALS)
    def test_merged(self, some: list[Interval]) -> None:
        """The same time, in order, with something between two."""
        found = merged(some)
        self.assertEqual(moments(found), moments(some))
        self.assertEqual(total(some), len(moments(some)))
        edges = [edge for interval in found for edge in interval]
        self.assertEqual(edges, sorted(set(edges)))

    @given(INTERVALS, INTERVALS)
    def test_within_and_without(self, some: list[Interval], others: list[Interval]) -> None:
        """What is in both, and what is in the first alone."""
        self.assertEqual(moments(within(some, others)), moments(some) & moments(others))
        self.assertEqual(moments(without(some, others)), moments(some) - moments(others))
