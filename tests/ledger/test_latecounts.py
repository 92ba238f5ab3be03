"""What the server was not told in time, and when it was so."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.latecounts import MOST, LateCounts, Reached


class LateCountTests(SynchronousTestCase):
    def late(self, settled: int, *due: int, posts: int = 1000) -> list[tuple[int, float]]:
        """Posts and times of those that are late, of updates that were due each 30 s."""
        counts = LateCounts()
        for number, reached in enumerate(due):
            counts.due(reached, 30.0 * number)
        return [(one.posts, one.at) for one in counts.untold(settled, posts)]

    def test_in_time(self) -> None:
        """The newest one is not late, nor one that the server has all posts of."""
        self.assertEqual(self.late(0), [])
        self.assertEqual(self.late(0, 5), [])
        self.assertEqual(self.late(5, 3, 5, 5, 9), [])

    def test_late(self) -> None:
        """Each brings what is new since the one before; one with nothing new is passed over."""
        self.assertEqual(self.late(4, 4, 7, 7, 9, 9), [(7, 30.0), (9, 90.0)])

    def test_posts_that_were_lost(self) -> None:
        """More than there are now are not told of."""
        self.assertEqual(self.late(0, 5, 20, 8, 9, posts=9), [(5, 0.0), (8, 60.0)])

    def test_a_long_time(self) -> None:
        """They become fewer, not older: the newest stay, and all posts are among them."""
        counts = LateCounts()
        for number in range(1, 10 * MOST):
            counts.due(number, float(number))
        found = counts.untold(0, 10 * MOST)
        self.assertLessEqual(len(found), MOST)
        self.assertGreaterEqual(len(found), MOST // 2 - 1)
        self.assertEqual(found[-1], Reached(int(found[-1].at), found[-1].at))
        self.assertGreater(found[-1].posts, 10 * MOST - 40)
