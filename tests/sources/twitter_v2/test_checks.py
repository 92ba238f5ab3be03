"""What `--check` says of v2: settings that should not be used, and X, asked for its rules."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tcclient.check import verdicts
from tcclient.check.checks import LIMIT
from tcclient.runtime.backoff import Refusal, Trouble
from tcclient.runtime.threads import in_place
from tcclient.runtime.verdicts import Outcome, Verdict, fail, ok, warn
from tcclient.sources.twitter_v2.checks import V2Checks, x_answers, x_refused
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule
from tcclient.sources.twitter_v2.settings import V2Auth, V2Section
from tcclient.sources.twitter_v2.slot.appapi import AppApi
from tests.peers import EPOCH
from tests.sources.twitter_v2.xapi import GIVEN, XTestCase
from tests.sources.twitter_v2.xrules import KEY, OURS


def v2_checks(section: V2Section | None = None, auth: V2Auth | None = None) -> V2Checks:
    """Return the checks of v2 with these settings; X is not there to be asked."""
    nobody: Any = None
    return V2Checks(
        section or V2Section(),
        auth or V2Auth(),
        nobody,
        nobody,
        nobody,
        in_place,
        lambda: EPOCH,
    )


class DoubtTests(SynchronousTestCase):
    """What the section `twitter` says that can be used and should not be."""

    def test_a_time_out_within_the_keep_alives(self) -> None:
        """Doubtful, up to the time in which X sends something."""
        for timeout, doubts in ((None, 0), (20, 1), (20.1, 0)):
            checks = v2_checks(V2Section(stall_timeout=timeout))
            self.assertEqual(len([*checks.doubts()]), doubts, timeout)
        checks = v2_checks(V2Section(stall_timeout=5.0))
        self.assertEqual(
            verdicts.settings("x.json", checks.doubts()),
            warn(
                "x.json can be used, but a silent stream may send nothing for 20 s: with "
                "twitter.stall_timeout at 5 s it is given up while it is well"
            ),
        )

    def test_fields_that_are_not_known(self) -> None:
        """They may be new at X; the first five are named."""
        names = ["id", *(f"new{number}" for number in range(6))]
        (doubt,) = v2_checks(V2Section(fields={"tweet.fields": names})).doubts()
        self.assertTrue(doubt.startswith("twitter.fields has new0, new1, new2, new3, new4, which"))

    def test_the_expansion_that_readme_names(self) -> None:
        """It is left out by default, and nothing is wrong with it."""
        fields = {"expansions": ["author_id", "edit_history_tweet_ids"]}
        self.assertEqual([*v2_checks(V2Section(fields=fields)).doubts()], [])


class SubjectTests(SynchronousTestCase):
    """What is checked."""

    def test_the_budget_where_there_is_one(self) -> None:
        """X is asked in any case; its host is that of the API."""
        for budget, subjects in ((None, []), ({"posts_per_day": 5}, ["budget"])):
            checks = v2_checks(V2Section(api_url="http://x/", budget=budget))
            self.assertEqual([subject for subject, _ in checks.of_this_machine()], subjects)
            network = [subject for subject, _ in checks.of_the_network()]
            self.assertEqual(network, ["x api", "connections", "usage"])
            self.assertEqual(checks.address, ("twitter.api_url", "http://x/"))


class UntoldTests(XTestCase):
    """What X does not tell, and need not."""

    def test_x_does_not_answer(self) -> None:
        """That is no fault, however long it takes: it is given up before the check itself is."""
        nobody: Any = None
        app = AppApi(self.bearer(given=GIVEN))
        section = V2Section(api_url="http://127.0.0.1/")
        checks = V2Checks(section, V2Auth(), nobody, app, nobody, in_place, self.clock.seconds)
        for check in (checks.connections, checks.usage):
            verdict = Deferred.fromCoroutine(check())
            self.clock.advance(LIMIT - 0.1)
            self.assertIs(self.successResultOf(verdict).outcome, Outcome.OK)


class XApiTests(SynchronousTestCase):
    """X, asked for its rules."""

    def verdict(self, *tags: str | None) -> Verdict:
        """Return the verdict where the app has a rule with each of these tags."""
        rules = [PresentRule(str(number), "tea", tag) for number, tag in enumerate(tags)]
        return x_answers("http://x/", rules, OURS)

    def test_rules_are_counted(self) -> None:
        """Those of our jobs are ours, also where an earlier release has made them."""
        for tags, words in (
            ([], "no rules"),
            ([OURS.tag(5)], "1 rule"),
            ([OURS.tag(5), f"tcc:{KEY}:5"], "2 rules"),
        ):
            verdict = self.verdict(*tags)
            self.assertEqual(verdict, ok(f"http://x/ answers; the app has {words}"))

    def test_rules_of_other_programs(self) -> None:
        """Without a tag, and with one of theirs."""
        self.assertEqual(
            self.verdict(None, "snow", OURS.tag(5)),
            ok(
                "http://x/ answers; the app has 3 rules, 2 of another program: what they match "
                "comes here and is billed; see tcc-rules list"
            ),
        )

    def test_rules_that_tcc_has_left(self) -> None:
        """A warning: nobody but their owner, or tcc-rules, deletes them."""
        self.assertEqual(
            self.verdict("tcc:0123456789ab.99999999:5", "tcc:fedcba987654.0123abcd:5", "tcc:x"),
            warn(
                "http://x/ answers; the app has 3 rules, 1 of this installation for another server "
                "or client number, 2 of another installation of tcc: what they match comes here "
                "and is billed; see tcc-rules list"
            ),
        )

    def test_a_refusal(self) -> None:
        """What was answered, what X says to it, and what to do; what is not known is left out."""
        for refusal, words in (
            (Refusal(Trouble.REFUSED, "Do this.", "no"), "the answer was 403 (no). Do this."),
            (Refusal(Trouble.REFUSED, "Do this."), "the answer was 403. Do this."),
            (Refusal(Trouble.NETWORK, ""), "the answer was 403"),
        ):
            self.assertEqual(
                x_refused("http://x/", "the answer was 403", refusal),
                fail(f"http://x/: {words}"),
            )
