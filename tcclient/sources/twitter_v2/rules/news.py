"""
What ledgers and log say of the rules at X.

Knows what is worth a line, and finds it again later; keeps no rules and no connection.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import islice
from typing import Any

import attrs
from twisted.logger import Logger

from tcclient.ledger.entries import RefusedTerm, TermsRefused
from tcclient.ledger.vocabulary import Vocabulary
from tcclient.sources.terms import say_refused
from tcclient.sources.twitter_v2 import entries as v2entries
from tcclient.sources.twitter_v2.entries import LedgerRule
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule
from tcclient.sources.twitter_v2.subscription import Subscriptions, names

log = Logger()

_KINDS = Vocabulary.of((v2entries.RulesAccepted, v2entries.RulesDeleted))

_LOOK_BACK = 10_000
"""
Lines of a ledger in which rules are looked for: posts that a rule matched may come for some minutes
after its deletion.
"""


@attrs.frozen
class RulesBefore:
    """What an earlier process has left at X for a job, and the ids of the rules that it deleted."""

    left: tuple[PresentRule, ...]
    deleted: tuple[str, ...]


def rules_before(newest_first: Iterable[Mapping[str, Any]], job_id: int) -> RulesBefore:
    """
    Return the rules of a job according to its ledger, whose lines are given from the newest on:
    what is said last of a rule counts.
    """
    left: dict[str, PresentRule | None] = {}
    for line in islice(newest_first, _LOOK_BACK):
        entry = _KINDS.read(line) if line.get("job") == job_id else None
        if isinstance(entry, v2entries.RulesAccepted):
            for rule in entry.rules:
                left.setdefault(rule.id, PresentRule(rule.id, rule.value))
        elif isinstance(entry, v2entries.RulesDeleted):
            for rule in entry.rules:
                left.setdefault(rule.id, None)
    return RulesBefore(
        tuple(rule for rule in left.values() if rule is not None),
        tuple(id for id, rule in left.items() if rule is None),
    )


@attrs.frozen
class RuleNews:
    """
    Tells ledgers and log what a rulebook reports.  `seen` is called when the rules that X has, or
    what is wanted of it, may have changed.
    """

    _subscriptions: Subscriptions
    _rule_delay: float
    seen: Callable[[], None]

    def rules_accepted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """Note in the job's ledger that X has taken these rules, which work after the delay."""
        entry = v2entries.RulesAccepted(rules=_named(rules), works_in=self._rule_delay)
        self._subscriptions.note(job_id, entry)

    def rules_deleted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """Note in the job's ledger that X has these rules no more."""
        self._subscriptions.note(job_id, v2entries.RulesDeleted(rules=_named(rules)))

    def terms_refused(self, job_id: int, refused: Sequence[RefusedTerm]) -> None:
        """Note in the job's ledger and in the log that X refuses these terms."""
        for subscription in self._subscriptions.of([job_id]):
            say_refused(subscription.title, refused)
        self._subscriptions.note(job_id, TermsRefused(refused=tuple(refused)))

    def rules_failed(self, reason: str, wait: float, lacking: Set[int]) -> None:
        """
        Note in all ledgers that the rules cannot be kept up to date, for a reason that is news; the
        next try is in `wait` seconds.  Name in the log the captures that get nothing meanwhile, as
        X has no rule of the jobs that are `lacking`.
        """
        self._subscriptions.note_all(v2entries.RulesFailed(reason=reason, wait=wait))
        if lacking:
            log.warn(
                "Nothing is captured for {names} meanwhile: X has no rule of theirs.",
                names=", ".join(
                    repr(name) for name in names(self._subscriptions.of(sorted(lacking)))
                ),
            )


def _named(rules: Sequence[PresentRule]) -> tuple[LedgerRule, ...]:
    """Return the rules as a ledger has them."""
    return tuple(LedgerRule(rule.id, rule.value) for rule in rules)
