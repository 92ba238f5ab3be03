"""
How rules are kept at X, and who hears of it.

Knows what whoever keeps rules is told and tells; keeps none.
"""

from collections.abc import Sequence, Set
from typing import Protocol

from msgspec import Struct

from tcclient.ledger.entries import RefusedTerm
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule


class RulePolicy(Struct, frozen=True):
    """
    How rules are kept: `prefix` begins our tags, `rule_length` is how many characters a rule has at
    most, and `rule_delay` the seconds until a new rule works.
    """

    prefix: str
    rule_length: int
    rule_delay: float


class RuleListener(Protocol):
    """What a rulebook reports to."""

    def rules_accepted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """Called when X has taken these rules of a job; they work when the rule delay is over."""

    def rules_deleted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """Called when these rules of a job are gone from X."""

    def terms_refused(self, job_id: int, refused: Sequence[RefusedTerm]) -> None:
        """Called when X refuses these terms of a job; rules for the others are kept."""

    def rules_seen(self) -> None:
        """Called when the rules that X has, or what is wanted of it, may have changed."""

    def rules_failed(self, reason: str, wait: float, lacking: Set[int]) -> None:
        """
        Called when the rules cannot be kept up to date, for a reason that is new.  The next try is
        in `wait` seconds; as far as is known, X has no rule of the jobs that are `lacking`.
        """
