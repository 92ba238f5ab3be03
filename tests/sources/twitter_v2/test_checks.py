"""What `--check` says of v2: settings that should not be used, and X, asked for its rules."""

from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tcclient.check import verdicts
from tcclient.runtime.backoff import Trouble
from tcclient.runtime.refusals import Refusal
from tcclient.runtime.threads import in_place
from tcclient.runtime.verdicts import Verdict, fail, ok, warn
from tcclient.sources.twitter_v2.checks import V2Checks, x_answers, x_refused
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule, tag, tag_prefix
from tcclient.sources.twitter_v2.settings import V2Auth, V2Section
from tests.peers import EPOCH


def v2_checks(section: V2Section | None = None, auth: V2Auth | None = None) -> V2Checks:
    """Return the checks of v2 with these settings; X is not there to be asked."""
    nobody: Any = None
    return V2Checks(
        section or V2Section(),
        auth or V2Auth(),
        nobody,
        tag_prefix("http://h/api/", 1),
        Path("tcc.budget.json"),
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


class SubjectTests(SynchronousTestCase):
    """What is checked."""

    def test_the_budget_where_there_is_one(self) -> None:
        """X is asked in any case; its host is that of the API."""
        for budget, subjects in ((None, []), ({"posts_per_day": 5}, ["budget"])):
            checks = v2_checks(V2Section(api_url="http://x/", budget=budget))
            self.assertEqual([subject for subject, _ in checks.of_this_machine()], subjects)
            self.assertEqual([subject for subject, _ in checks.of_the_network()], ["x api"])
            self.assertEqual(checks.address, ("twitter.api_url", "http://x/"))


class XApiTests(SynchronousTestCase):
    """X, asked for its rules."""

    prefix = tag_prefix("http://h/api/", 1)

    def verdict(self, *tags: str | None) -> Verdict:
        """Return the verdict where the app has a rule with each of these tags."""
        rules = [PresentRule(str(number), "tea", tag) for number, tag in enumerate(tags)]
        return x_answers("http://x/", rules, self.prefix)

    def test_rules_are_counted(self) -> None:
        """Those of our jobs are ours."""
        for count, words in ((0, "no rules"), (1, "1 rule"), (2, "2 rules")):
            verdict = self.verdict(*[tag(self.prefix, 5)] * count)
            self.assertEqual(verdict, ok(f"http://x/ answers; the app has {words}"))

    def test_rules_of_other_programs(self) -> None:
        """Without a tag, with one of theirs, and with one of another tcc."""
        ours, other = tag(self.prefix, 5), tag(tag_prefix("http://h/api/", 2), 5)
        self.assertEqual(
            self.verdict(None, "snow", other, ours),
            ok(
                "http://x/ answers; the app has 4 rules, 3 of them other programs': "
                "their posts come here and are billed"
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
