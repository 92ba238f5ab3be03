"""What is kept beside a ledger, where that is another one and lacks the newest lines."""

from msgspec import UNSET, structs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.counters import Counters, CountUpdate
from tcclient.ledger.state import LedgerState


def kept(base: int, posts: int, settled: int) -> LedgerState:
    counters = Counters(base, posts, settled, None, base + posts, base + posts)
    return LedgerState("a" * 32, job=7, counters=counters)


class RestatedTests(SynchronousTestCase):
    def test_what_the_ledger_lacks(self) -> None:
        """No post is lost or told twice; the base has those of files that are in no line."""
        for was, last, restated in (
            ((10, 100, 100), (0, 0, 0), (110, 0, 0)),  # removed, and all was told
            ((10, 100, 90), (0, 0, 0), (100, 10, 0)),  # some of a finished file were not
            ((10, 100, 130), (0, 0, 0), (110, 0, 30)),  # of an unfinished one some were
            ((10, 100, 100), (10, 40, 40), (70, 40, 40)),  # an older one was put back
            ((10, 100, 120), (10, 40, 20), (70, 40, 60)),
            ((10, 100, 100), (10, 40, 60), (50, 60, 60)),
            ((15, 100, 100), (10, 100, 100), (15, 100, 100)),
        ):
            counters = kept(*was).restated(Counters(*last))
            self.assertEqual(counters, Counters(*restated), (was, last))
            assert counters is not None
            self.assertEqual((counters.told, counters.tried), (was[0] + was[1],) * 2)

    def test_a_ledger_that_lacks_nothing(self) -> None:
        """Nor does one beside which only older numbers are, or none of posts."""
        for was, last in (
            ((10, 100, 100), (10, 100, 90)),
            ((10, 100, 100), (10, 110, 90)),
            ((10, 100, 100), (50, 110, 90)),
            ((0, 0, 100), (0, 0, 0)),
        ):
            self.assertIsNone(kept(*was).restated(Counters(*last)), (was, last))

    def test_an_update_whose_answer_was_not_seen(self) -> None:
        """It is told of as many posts as before, beside those that the base has now."""
        state = kept(10, 100, 90)
        sent = CountUpdate(count=20, total=120, rate=None, posts=110)
        state.counters = structs.replace(state.counters, sent=sent)
        counters = state.restated(Counters())
        assert counters is not None
        self.assertEqual((counters.base, counters.settled), (100, 0))
        self.assertEqual(counters.sent, CountUpdate(count=20, total=120, rate=None, posts=20))
        state.counters = structs.replace(state.counters, sent=UNSET)
        counters = state.restated(Counters())
        assert counters is not None
        self.assertIs(counters.sent, UNSET)
