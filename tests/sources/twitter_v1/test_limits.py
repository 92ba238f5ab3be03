"""How many posts were not delivered: the estimate from limit notices."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v1.limits import MOST, Undelivered


def estimate(*notices: int) -> int:
    """After the notices of one connection."""
    connection = Undelivered().connection()
    return [connection.take({"limit": {"track": number}}) for number in notices][-1]


class UndeliveredTests(SynchronousTestCase):
    def test_one_counter(self) -> None:
        """It is cumulative: the last number counts, not the sum."""
        self.assertEqual(estimate(3), 3)
        self.assertEqual(estimate(3, 10, 10, 25), 25)

    def test_interleaved_counters(self) -> None:
        """A number below all others is of another counter; the last ones of each are added."""
        self.assertEqual(estimate(100, 7), 107)
        self.assertEqual(estimate(100, 7, 110, 9, 115, 12), 127)
        self.assertEqual(estimate(100, 50, 7, 101, 51, 8), 160)

    def test_a_new_connection_counts_from_0(self) -> None:
        """What the last one missed stays missed."""
        undelivered = Undelivered()
        undelivered.connection().take({"limit": {"track": 40}})
        self.assertEqual(undelivered.connection().take({"limit": {"track": 2}}), 42)

    def test_two_connections_at_a_time(self) -> None:
        """Each has counters of its own."""
        undelivered = Undelivered()
        old, new = undelivered.connection(), undelivered.connection()
        estimates = [
            connection.take({"limit": {"track": track}})
            for connection, track in ((old, 40), (new, 2), (old, 41), (new, 5))
        ]
        self.assertEqual(estimates, [40, 42, 43, 46])

    def test_notices_that_cannot_be_read(self) -> None:
        """They change nothing."""
        connection = Undelivered().connection()
        connection.take({"limit": {"track": 40}})
        for message in (
            *(None, 3, [], {}, {"limit": None}, {"limit": 5}, {"limit": {}}),
            *({"limit": {"track": track}} for track in (None, "9", 9.5, True, -1, MOST + 1)),
        ):
            self.assertEqual(connection.take(message), 40, message)

    @given(st.lists(st.lists(st.integers(0, 1000), max_size=6), max_size=4), st.randoms())
    def test_no_counter_falls(self, counters: list[list[int]], random: st.DataObject) -> None:
        """However the counters are mixed, the estimate never falls, nor exceeds what they say."""
        mixed = [(number, which) for which, c in enumerate(counters) for number in c]
        random.shuffle(mixed)
        rising = {which: iter(sorted(c)) for which, c in enumerate(counters)}
        connection, before = Undelivered().connection(), 0
        for _, which in mixed:
            after = connection.take({"limit": {"track": next(rising[which])}})
            self.assertGreaterEqual(after, before)
            before = after
        self.assertLessEqual(before, sum(max(c, default=0) for c in counters))
