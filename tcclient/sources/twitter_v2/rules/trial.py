"""
Trying rules before they are added, and finding the terms for which X refuses them.

Knows what to try; what a refusal means for the rules that a job wants is known to `wanted`.
"""

from collections.abc import Callable, Mapping, Sequence

from tcclient.ledger.entries import RefusedTerm
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.ruleset import NewRule, job_of
from tcclient.sources.twitter_v2.rules.wanted import WantedRules


class Trial:
    """
    A trial of rules that were planned for `wanted` as it is at this moment; what a job wants may
    change during the trial.  `tell` is called with a job and the terms of it that X refuses.
    """

    def __init__(
        self,
        api: RuleApi,
        wanted: Mapping[int, WantedRules],
        prefix: str,
        tell: Callable[[int, Sequence[RefusedTerm]], None],
    ) -> None:
        self._api = api
        self._wanted = wanted
        self._planned = dict(wanted)
        self._prefix = prefix
        self._tell = tell

    async def refused(self, rules: Sequence[NewRule]) -> list[str]:
        """
        Try the rules.  Return X's reasons for refusing some of them, none where it takes all; the
        terms at fault are left out of what is wanted then.  Raises RuleError.
        """
        refused = await self._api.attempt(rules)
        for rule in rules:
            if rule.value in refused:
                await self._find_bad_terms(rule, refused[rule.value])
        return sorted(set(refused.values()))

    def still_wanted(self, rules: Sequence[NewRule]) -> list[NewRule]:
        """Return the rules whose jobs still want what they wanted when the rules were planned."""
        return [rule for rule in rules if self._wanted_of(rule) is not None]

    async def _find_bad_terms(self, rule: NewRule, reason: str) -> None:
        """
        Find the terms for which a rule is refused, by trying its clauses one by one if need be.
        """
        wanted = self._wanted_of(rule)
        if wanted is None:
            return
        bad = wanted.is_bad(rule.value, reason)
        if not bad:
            clauses = [NewRule(clause.text, rule.tag) for clause in wanted.suspects(rule.value)]
            bad = wanted.tried(rule.value, await self._api.attempt(clauses))
        job_id = job_of(rule.tag, self._prefix)
        if bad and job_id is not None and self._wanted_of(rule) is wanted:
            self._tell(job_id, bad)

    def _wanted_of(self, rule: NewRule) -> WantedRules | None:
        """
        Return what the rule's job wants; None where that has changed since the rules were planned.
        """
        job_id = job_of(rule.tag, self._prefix)
        if job_id is None or self._wanted.get(job_id) is not self._planned.get(job_id):
            return None
        return self._wanted.get(job_id)
