"""What is kept of the counters of a capture beside its ledger, and when."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.counters import Counters
from tcclient.storage.notedtally import NotedTally


class KeepingTests(SynchronousTestCase):
    def test_a_total_that_is_told_each_second(self) -> None:
        """It is kept before it is told; that it was told goes with what is kept next."""
        kept: list[Counters] = []
        tally = NotedTally(
            Counters(posts=9, settled=9, sent=None, told=9, tried=9),
            0.0,
            "cats",
            lambda entry: None,
            kept.append,
            lambda: 0,
            after_crash=False,
        )
        for total in (10, 11):
            tally.trying(total)
            tally.told_lately(total)
        self.assertEqual([(one.told, one.tried) for one in kept], [(9, 10), (10, 11)])
