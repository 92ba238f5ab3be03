"""
What accounts and log say of the rules at X.

Knows what is worth a line; keeps no rules and no connection.
"""

from collections.abc import Callable, Sequence

import attrs

from tcclient.branch import Branches, names
from tcclient.feed import say_refused
from tcclient.keywords import Refused
from tcclient.twitter.ruleset import PresentRule


@attrs.frozen
class RuleNews:
    """As Reader of a rulebook.  `seen` is called when the rules may have changed."""

    _branches: Branches
    _rule_delay: float
    _seen: Callable[[], None]

    def rules_accepted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """As Reader."""
        self._note(job_id, "rules_accepted", rules, works_in=self._rule_delay)

    def rules_deleted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """As Reader."""
        self._note(job_id, "rules_deleted", rules)

    def terms_refused(self, job_id: int, refused: Sequence[Refused]) -> None:
        """As Reader."""
        say_refused(names(self._branches.of([job_id])), refused)
        described = [attrs.asdict(term) for term in refused]
        self._branches.note(job_id, "terms_refused", refused=described)

    def rules_failed(self, reason: str, wait: float) -> None:
        """As Reader."""
        self._branches.note_all("rules_failed", reason=reason, wait=wait)

    def rules_seen(self) -> None:
        """As Reader."""
        self._seen()

    def _note(self, job_id: int, kind: str, rules: Sequence[PresentRule], **fields: object) -> None:
        described = [{"id": rule.id, "value": rule.value} for rule in rules]
        self._branches.note(job_id, kind, rules=described, **fields)
