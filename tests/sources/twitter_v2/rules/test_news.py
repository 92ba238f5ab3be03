"""What the log says of rules that are not ours."""

from typing import Any, cast

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v2.rules.news import RuleNews
from tcclient.sources.twitter_v2.rules.ownership import Whose
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule
from tcclient.sources.twitter_v2.subscription import Subscriptions


class OthersTests(SynchronousTestCase):
    """Rules that are not ours."""

    def test_a_job_that_has_no_name_here(self) -> None:
        """Nothing is said of captures where none has one."""
        news = RuleNews(Subscriptions(lambda *_: None), 20.0, lambda: None, cast(Any, None))
        with capturedLogs() as events:
            news.rules_failed("refused", 5.0, {1, 2})
        self.assertEqual(events, [])

    def test_those_of_tcc_are_named(self) -> None:
        """Once for each change of their number; those of other programs are no news."""
        news = RuleNews(Subscriptions(lambda *_: None), 20.0, lambda: None, cast(Any, None))
        theirs = PresentRule("1", "a", "tcc:fedcba987654.0123abcd:1")
        foreign = PresentRule("2", "b")
        with capturedLogs() as events:
            news.others_seen({Whose.FOREIGN: [foreign]})
            news.others_seen({Whose.FOREIGN: [foreign], Whose.ANOTHER_TCC: [theirs]})
            news.others_seen({Whose.ANOTHER_TCC: [theirs]})
            news.others_seen({})
            news.others_seen({Whose.ELSEWHERE: [theirs]})
        said = [formatEvent(event) or "" for event in events]
        self.assertEqual(len(said), 2, said)
        self.assertIn("1 rule of another installation of tcc, such as the one tagged", said[0])
        self.assertIn(str(theirs.tag), said[0])
        self.assertIn("1 rule of this installation for another server", said[1])
