"""What is counted of a job whose folder comes back with posts that nobody here knew of."""

from msgspec import UNSET
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.counters import Counters, CountUpdate, Tally
from tcclient.storage.leftovers import counted_as_ours

NOW = 100.0


class TakenOverTests(SynchronousTestCase):
    """Posts that the base held, as the server had been told of them, become this client's own."""

    def test_what_the_server_had_been_told(self) -> None:
        """
        All that is in its total, though the answer to the last telling was never seen; and no more
        than was tried: others have captured the rest.
        """
        for told, tried, total, base in (
            (157, 157, 157, 0),
            (157, 195, 195, 0),
            (157, 195, 157, 0),
            (157, 195, 180, 0),
            (157, 195, 200, 5),
            (157, UNSET, 160, 3),
        ):
            tally = Tally(Counters(base=total, posts=10), NOW)
            left = Counters(base=20, posts=0, settled=137, told=told, tried=tried)
            posts = counted_as_ours(tally, left, NOW)
            self.assertEqual(tally.base, base + 20, (told, tried, total))
            self.assertEqual(posts, total - base - 20)
            self.assertEqual((tally.posts, tally.total), (posts + 10, total + 10))

    def test_what_is_finished(self) -> None:
        """It is in a file: only the rest of what was told is in none."""
        tally = Tally(Counters(base=195), NOW)
        left = Counters(posts=150, settled=157, told=157, tried=195)
        self.assertEqual(counted_as_ours(tally, left, NOW), 45)
        self.assertEqual((tally.base, tally.posts, tally.settled), (0, 195, 157))

    def test_a_total_without_them(self) -> None:
        """One that was set back has none of them, and nothing is taken from it."""
        tally = Tally(Counters(base=100), NOW)
        left = Counters(posts=150, settled=157, told=157, tried=195)
        self.assertEqual(counted_as_ours(tally, left, NOW), 0)
        self.assertEqual((tally.base, tally.posts), (100, 0))

    def test_an_update_without_an_answer(self) -> None:
        """The server's history says whether it has the one over which the other was killed."""
        sent = CountUpdate(38, 195, "1.00", 195)
        left = Counters(settled=157, sent=sent, told=157, tried=195)
        for rows, settled in (([(38, 195, "1.00")], 195), ([(157, 157, "1.00")], 157)):
            tally = Tally(Counters(base=195, posts=10, settled=4, sent=None), NOW)
            counted_as_ours(tally, left, NOW)
            self.assertTrue(tally.unsettled)
            tally.settle(rows)
            self.assertEqual(tally.settled, 4 + settled)
            self.assertEqual(tally.update(NOW).count, 10 + 195 - 4 - settled)

    def test_an_update_that_is_under_way(self) -> None:
        """What is accepted of this client's own comes on top of what the other had settled."""
        tally = Tally(Counters(base=157, posts=10, settled=4, sent=None), NOW)
        update = tally.update(NOW)
        counted_as_ours(tally, Counters(settled=157, sent=None, told=157, tried=157), NOW)
        tally.accepted(update)
        self.assertEqual((tally.settled, tally.unsettled), (167, False))

    def test_two_updates_that_are_under_way(self) -> None:
        """Each is settled if the server has taken it, whatever has become of the other."""
        theirs, row = CountUpdate(38, 195, "1.00", 195), (38, 195, "1.00")
        for rows in ([], [row]):
            for answer in ("accepted", "rejected", "none", "none, but taken"):
                tally = Tally(Counters(base=195, posts=10, settled=4, sent=None), NOW)
                ours = tally.update(NOW)
                left = Counters(settled=157, sent=theirs, told=157, tried=195)
                counted_as_ours(tally, left, NOW)
                if answer == "accepted":
                    tally.accepted(ours)
                elif answer == "rejected":
                    tally.rejected()
                self.assertTrue(tally.unsettled, answer)
                taken = [(ours.count, ours.total, ours.rate)] * (answer == "none, but taken")
                tally.settle([*rows, *taken])
                ours_settled = 6 * (answer in ("accepted", "none, but taken"))
                settled = 157 + 4 + ours_settled + 38 * len(rows)
                self.assertEqual((tally.settled, tally.unsettled), (settled, False), answer)
                self.assertEqual(tally.update(NOW).count, 205 - settled)
