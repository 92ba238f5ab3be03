"""
Trying rules before they are added, and finding the terms for which X refuses them.

Knows what to try; a wanted knows what follows from it.
"""

from collections.abc import Callable, Mapping, Sequence

from tcclient.ledger.entries import RefusedTerm
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.ruleset import NewRule, job_of
from tcclient.sources.twitter_v2.rules.wanted import WantedRules


class Trial:
    """
    Of rules that were planned for `wanted` as they are when this is made; what is wanted may
    change meanwhile.  `tell` hears of the terms of a job that X does not take.
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
        Why X does not take rules: none where it takes all.  The terms that they are refused for
        are left out of the wanted then.  Raises RuleError.
        """
        refused = await self._api.attempt(rules)
        for rule in rules:
            if rule.value in refused:
                await self._find_bad_terms(rule, refused[rule.value])
        return sorted(set(refused.values()))

    def still_wanted(self, rules: Sequence[NewRule]) -> list[NewRule]:
        """The rules whose jobs want now what they wanted then."""
        return [rule for rule in rules if self._wanted_of(rule) is not None]

    async def _find_bad_terms(self, rule: NewRule, reason: str) -> None:
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
        job_id = job_of(rule.tag, self._prefix)
        if job_id is None or self._wanted.get(job_id) is not self._planned.get(job_id):
            return None
        return self._wanted.get(job_id)
