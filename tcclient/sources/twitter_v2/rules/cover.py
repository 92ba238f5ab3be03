"""
What would be missed without a rule, and from when on no more.  Pure.

Knows the pieces of which wanted values consist; does not know whose a rule is.
"""

import math
from collections.abc import Iterable, Mapping

from tcclient.sources.twitter_v2.rules.ruleset import PresentRule
from tcclient.sources.twitter_v2.rules.wanted import pieces


class Cover:
    """Which rules of a job bring each piece of what it wants, and from when on."""

    def __init__(self, works: Mapping[PresentRule, float], wanted: Iterable[str]) -> None:
        everything = (pieces(value) for value in wanted)
        self._bringing: dict[str, dict[str, float]] = {p: {} for some in everything for p in some}
        for rule, since in works.items():
            for piece in pieces(rule.value) & self._bringing.keys():
                self._bringing[piece][rule.id] = since

    def without(self, rule: PresentRule) -> float:
        """Return from when on nothing that is wanted is missed without this rule; inf for never."""
        since = 0.0
        for piece in pieces(rule.value) & self._bringing.keys():
            others = (time for id, time in self._bringing[piece].items() if id != rule.id)
            since = max(since, min(others, default=math.inf))
        return since

    def remove(self, rule: PresentRule) -> None:
        """Take out a rule that is to be deleted."""
        for piece in pieces(rule.value) & self._bringing.keys():
            self._bringing[piece].pop(rule.id, None)
