"""
What all jobs together want of X, and what has to be changed for it.  Pure.

Knows what each job wants; of the rules that X has only what it is given.
"""

from collections.abc import Iterable, Sequence

import attrs

from tcclient.sources.twitter_v2.rules.clauses import Clause
from tcclient.sources.twitter_v2.rules.inventory import Wanted
from tcclient.sources.twitter_v2.rules.policy import RulePolicy
from tcclient.sources.twitter_v2.rules.ruleset import Changes, PresentRule, plan
from tcclient.sources.twitter_v2.rules.wanted import WantedRules


@attrs.frozen
class Demand:
    """What each job that wants something wants, by the id of the job."""

    _policy: RulePolicy
    by_job: dict[int, WantedRules] = attrs.field(factory=dict)

    def want(self, job_id: int, clauses: Sequence[Clause]) -> None:
        """Take these clauses for what the job wants from now on."""
        self.by_job[job_id] = WantedRules(tuple(clauses))

    def asks(self, job_id: int) -> bool:
        """Return whether the job wants anything that X may take."""
        wanted = self.by_job.get(job_id)
        return wanted is not None and wanted.asks

    def values(self) -> Wanted:
        """Return the values of the rules that each job wants."""
        length = self._policy.rule_length
        return {job: wanted.values(length) for job, wanted in self.by_job.items()}

    def changes(self, present: Iterable[PresentRule], wanted: Wanted | None = None) -> Changes:
        """
        Return what to change so that the `present` rules serve what is wanted; `wanted` is what
        values() returned earlier, if that counts.
        """
        return plan(self.values() if wanted is None else wanted, present, self._policy.prefix)
