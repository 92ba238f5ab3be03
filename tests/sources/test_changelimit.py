"""The brake on keyword changes."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.changelimit import ChangeLimit

NOW = 1_449_086_690.0


class ChangeLimitTests(SynchronousTestCase):
    """Six keyword changes in five minutes are free, then there is one a minute."""

    def made_at(self, *times: float) -> ChangeLimit:
        limit = ChangeLimit()
        for time in times:
            limit.made(NOW + time)
        return limit

    def test_table(self) -> None:
        """Changes made, the time, the delay."""
        for made, at, delay in (
            ((), 0, 0),
            ((0, 1, 2, 3, 4), 5, 0),
            ((0, 1, 2, 3, 4, 5), 6, 59),
            ((0, 1, 2, 3, 4, 5), 64, 1),
            ((0, 1, 2, 3, 4, 5), 65, 0),
            ((0, 1, 2, 3, 4, 290), 299, 51),
            ((0, 1, 2, 3, 4, 290), 300, 0),
            ((0, 1, 2, 3, 4, 5, 65), 66, 59),
            ((0, 1, 2, 3, 4, 5, 65, 125), 126, 59),
        ):
            self.assertEqual(self.made_at(*made).delay(NOW + at), delay, (made, at))

    def test_the_clock_is_set_back(self) -> None:
        """No delay is longer than a minute."""
        self.assertEqual(self.made_at(*range(6)).delay(NOW - 1e6), 60.0)

    @given(st.lists(st.floats(0, 200), min_size=20, max_size=60))
    def test_any_rhythm(self, wishes: list[float]) -> None:
        """Beyond the first six in any five minutes, a change follows the last by a minute."""
        limit, now, made = ChangeLimit(), 0.0, list[float]()
        for pause in wishes:
            now += pause
            now += limit.delay(now)
            limit.made(now)
            made.append(now)
        for sixth_last, last, this in zip(made, made[5:], made[6:], strict=False):
            self.assertTrue(this - sixth_last >= 300 - 1e-6 or this - last >= 60 - 1e-6)
