"""
Rules that are not there any more, or were left by an earlier process.  Pure.

Knows what ledgers say of them, and where the posts go that they matched; wants none.
"""

import math

from msgspec import structs

from tcclient.sources.twitter_v2.rules.ownership import Ownership
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule, RulesBefore

MOST_FORMER = 10_000
"""How many deleted rules are remembered: posts that they matched still come for a while."""


class FormerRules:
    """
    `left` are rules that ledgers have as left at X, `works` since when each works, and `replaced`
    since when other keywords were in force; `stale` are ids of rules from before a stop, for which
    no post is kept.  `started` is when this process began.
    """

    def __init__(self, ownership: Ownership, rule_delay: float, started: float) -> None:
        self.left: dict[str, PresentRule] = {}
        self.works: dict[str, float] = {}
        self.replaced: dict[str, float] = {}
        self.stale: set[str] = set()
        self._ownership = ownership
        self._rule_delay = rule_delay
        self._started = started
        self._jobs: dict[str, tuple[int, float]] = {}
        self._rules: dict[str, PresentRule] = {}

    def take(self, job_id: int, before: RulesBefore) -> None:
        """
        Take up what an earlier process has left for the job, as far as it is ours.  A rule without
        a tag is one of an earlier release, which did not note it.
        """
        for rule in (*before.left, *before.deleted):
            if self._ownership.is_noted(rule.tag, job_id):
                self._jobs.setdefault(rule.id, (job_id, math.inf))
                self._rules.setdefault(rule.id, rule)
        for rule in before.left:
            if self._ownership.is_noted(rule.tag, job_id):
                self.works[rule.id] = self._time(before.works.get(rule.id, 0.0))
                tag = rule.tag or self._ownership.tag(job_id)
                self.left[rule.id] = structs.replace(rule, tag=tag)
        self.replaced |= {id: self._time(since) for id, since in before.replaced.items()}
        self.stale |= before.stale

    def _time(self, since: float) -> float:
        """Return the time of what a ledger has in so many seconds, be its clock right or not."""
        return self._started + min(since, self._rule_delay)

    def wanted(self, rule_id: str) -> None:
        """Take note that a rule is asked for again."""
        self.stale.discard(rule_id)
        self.replaced.pop(rule_id, None)

    def add(self, rule: PresentRule, job_id: int, until: float) -> None:
        """Remember a rule that is deleted; posts are kept for it `until` then."""
        self._jobs[rule.id], self._rules[rule.id] = (job_id, until), rule
        while len(self._jobs) > MOST_FORMER:
            oldest = next(iter(self._jobs))
            del self._jobs[oldest]
            self._rules.pop(oldest, None)

    def rule(self, rule_id: str) -> PresentRule | None:
        """Return the rule of this id that was ours; None where none is known."""
        return self._rules.get(rule_id)

    def until(self, rule_id: str) -> float:
        """Return when posts that a rule matched are no longer kept, if that was known before."""
        if rule_id in self.stale:
            return self._started
        replaced = self.replaced.get(rule_id, math.inf)
        return min(self._jobs.get(rule_id, (0, math.inf))[1], replaced + self._rule_delay)

    def is_ours(self, rule_id: str, tag: str | None) -> bool:
        """Return whether a rule that nobody has seen at X is or was ours, as far as is known."""
        is_known = rule_id in self.stale or rule_id in self._jobs
        return is_known or self._ownership.job_of(tag) is not None

    def job_of(self, rule_id: str, tag: str | None, now: float) -> int | None:
        """Return the job that a post is for which matched a rule that nobody has seen at X."""
        if rule_id in self.stale:
            return None
        job, until = self._jobs.get(rule_id) or (self._ownership.job_of(tag), math.inf)
        return job if now < until else None
