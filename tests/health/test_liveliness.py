"""How many posts came while a stream was lively, and how many bytes a day brings."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.health.judgement import QUIET, is_quiet
from tcclient.health.liveliness import (
    DAY,
    LEAST,
    LEAST_OF_A_DAY,
    LIVELY,
    DailyBytes,
    Liveliness,
)

LOOK = 5


class LivelinessTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 1000.0
        self.posts = 700  # of earlier sessions
        self.lively = Liveliness(self.now)
        self.lively.look(self.now, self.posts, is_heard=True)

    def goes(self, seconds: float, rate: float = 0.0, *, is_heard: bool = True) -> None:
        for _ in range(round(seconds / LOOK)):
            self.now += LOOK
            self.posts += round(rate * LOOK)
            self.lively.look(self.now, self.posts, is_heard=is_heard)

    def is_quiet(self) -> bool:
        return is_quiet(self.lively.rate, self.lively.silent(self.now))

    def test_a_lively_stream_that_falls_silent(self) -> None:
        """The rate stays what it was; after some minutes it is quiet, and no more with a post."""
        self.goes(600, rate=50)
        self.assertEqual(self.lively.rate, 50)
        self.goes(QUIET - LOOK)
        self.assertFalse(self.is_quiet())
        self.goes(LOOK)
        self.assertEqual((self.lively.rate, self.lively.silent(self.now)), (50, QUIET))
        self.assertTrue(self.is_quiet())
        self.goes(LOOK, rate=1)
        self.assertFalse(self.is_quiet())

    def test_a_stream_with_a_post_now_and_then(self) -> None:
        """Its silence says nothing."""
        for _ in range(20):
            self.goes(LOOK, rate=0.2)
            self.goes(300)
            self.assertFalse(self.is_quiet())

    def test_posts_that_came_at_once(self) -> None:
        """They tell of no rate, as those of a backfill."""
        self.goes(LEAST - LOOK, rate=100)
        self.assertEqual(self.lively.rate, 0)
        self.goes(LOOK, rate=100)
        self.assertEqual(self.lively.rate, 100)

    def test_a_stream_that_is_not_heard(self) -> None:
        """It is not silent: that begins when it is heard again."""
        self.goes(600, rate=50)
        self.goes(1000, is_heard=False)
        self.assertEqual(self.lively.silent(self.now), 0)
        self.goes(QUIET - LOOK)
        self.assertFalse(self.is_quiet())

    def test_long_ago(self) -> None:
        """Only the last hours before the last post count, and are kept in few numbers."""
        self.goes(3600, rate=100)
        self.goes(3 * LIVELY, rate=10)
        self.assertAlmostEqual(self.lively.rate, 10, delta=0.1)
        self.assertLess(len(self.lively._samples._kept), 110)


class DailyBytesTests(SynchronousTestCase):
    def test_it_takes_a_while(self) -> None:
        """An hour; then the day is reckoned from what came so far."""
        daily = DailyBytes()
        for second in range(0, int(LEAST_OF_A_DAY) + 1, LOOK):
            self.assertIsNone(daily.rate)
            daily.look(50.0 + second, {1: 10 * second})
        self.assertEqual(daily.rate, 10 * DAY)

    def test_captures_that_come_and_go(self) -> None:
        """What they have written counts, and nothing is subtracted when they begin anew."""
        daily = DailyBytes()
        daily.look(0.0, {})
        daily.look(1000.0, {1: 500, 2: 100})
        daily.look(2000.0, {2: 200})
        daily.look(LEAST_OF_A_DAY, {1: 100, 2: 200})
        self.assertEqual(daily.rate, 800 * DAY / LEAST_OF_A_DAY)

    def test_the_last_day(self) -> None:
        """What came before it does not count."""
        daily = DailyBytes()
        total = 0
        for hour in range(72):
            total += 1000 if hour < 24 else 24
            daily.look(hour * 3600.0, {1: total})
        self.assertAlmostEqual(daily.rate or 0, 24 * 24, delta=1)
