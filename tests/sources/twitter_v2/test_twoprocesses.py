"""Two processes with the same settings: what the first keeps at X, and the second."""

from contextlib import ExitStack

from tcclient.control.jobs import Job
from tcclient.ledger.ledgerfile import Ledger
from tcclient.sources.twitter_v2.rules.book import SETTLED
from tcclient.sources.twitter_v2.rules.keeping import LOOK_AGAIN
from tcclient.storage.recovery import ledger_path
from tests.peers import settle
from tests.sources.twitter_v2.test_sharedstream import SharedStreamTestCase


class TwoProcessesTests(SharedStreamTestCase):
    """Another process captures 'cats', whose rule it has at X; this one is started beside it."""

    def setUp(self) -> None:
        super().setUp()
        self.stream(1)
        self.restart()
        ledger = Ledger(ledger_path(self.base, "cats"), self.clock.seconds)
        self.other = ExitStack()
        self.other.callback(ledger.close)
        self.addCleanup(self.other.close)
        self.x.asked.clear()

    def test_the_rules_of_the_first_stay(self) -> None:
        """Without them it would have an open stream, and no posts."""
        self.run_job(1, "cats")
        self.goes(SETTLED)
        self.assertEqual(self.x.asked, ["read"])
        self.assertEqual(self.x.values(1), ["cats"])

    def test_while_the_second_captures_something_else(self) -> None:
        """Its own rules come and go."""
        self.run_job(1, "cats")
        self.stream(2)
        self.run_job(2, "mice")
        self.goes(LOOK_AGAIN)
        self.assertEqual((self.x.values(1), self.x.values(2)), (["cats"], ["mice"]))

    def test_the_first_ends(self) -> None:
        """The second goes on with them, and replaces them when the keywords change."""
        self.run_job(1, "cats")
        self.goes(SETTLED)
        self.other.close()
        self.stream(1)
        self.assertEqual(self.x.values(1), ["cats"])
        self.run_job(1, "mice")
        self.goes(LOOK_AGAIN)
        self.assertEqual(self.x.values(1), ["mice"])

    def test_the_first_is_gone_when_the_capture_is_stopped(self) -> None:
        """Then nobody else deletes them."""
        self.run_job(1, "cats")
        self.goes(SETTLED)
        self.other.close()
        stopping = Job(1, "cats", 4, "cats", 0, 1, False, None)
        self.sessions[1].reopen(stopping)
        settle(self.clock)
        self.assertEqual(self.x.values(1), [])
