"""
What ledgers and log say of the rules at X.

Knows what is worth a line; keeps no rules and no connection.
"""

from collections.abc import Callable, Mapping, Sequence, Set

from twisted.logger import Logger

from tcclient.ledger.entries import RefusedTerm, TermsRefused
from tcclient.sources.terms import say_refused
from tcclient.sources.twitter_v2 import entries as v2entries
from tcclient.sources.twitter_v2.rules.held import HeldRules
from tcclient.sources.twitter_v2.rules.ownership import Whose
from tcclient.sources.twitter_v2.rules.ruleset import PresentRule
from tcclient.sources.twitter_v2.subscription import Subscriptions, names

log = Logger()

_OF_TCC = frozenset({Whose.ELSEWHERE, Whose.ANOTHER_TCC})


class RuleNews:
    """
    Tells ledgers and log what a rulebook reports.  `seen` is called when the rules that X has, or
    what is wanted of it, may have changed; `held` keeps whether it has any of ours.
    """

    def __init__(
        self,
        subscriptions: Subscriptions,
        rule_delay: float,
        seen: Callable[[], None],
        held: HeldRules,
    ) -> None:
        self.seen = seen
        self.held = held
        self._subscriptions = subscriptions
        self._rule_delay = rule_delay
        self._said_of_others: set[tuple[Whose, int]] = set()

    def rules_accepted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """Note in the job's ledger that X has taken these rules, which work after the delay."""
        entry = v2entries.RulesAccepted(rules=tuple(rules), works_in=self._rule_delay)
        self._subscriptions.note(job_id, entry)

    def rules_deleted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """Note in the job's ledger that X has these rules no more."""
        self._subscriptions.note(job_id, v2entries.RulesDeleted(rules=tuple(rules)))

    def terms_refused(self, job_id: int, refused: Sequence[RefusedTerm]) -> None:
        """Note in the job's ledger and in the log that X refuses these terms."""
        for subscription in self._subscriptions.of([job_id]):
            say_refused(subscription.title, refused)
            if subscription.archive is not None:
                subscription.archive.capture_log.refuse(tuple(refused))
                return
        self._subscriptions.note(job_id, TermsRefused(refused=tuple(refused)))

    def rules_failed(self, reason: str, wait: float, lacking: Set[int]) -> None:
        """
        Note in all ledgers that the rules cannot be kept up to date, for a reason that is news; the
        next try is in `wait` seconds.  Name in the log the captures that get nothing meanwhile, as
        X has no rule of the jobs that are `lacking`.
        """
        self._subscriptions.note_all(v2entries.RulesFailed(reason=reason, wait=wait))
        named = [repr(name) for name in names(self._subscriptions.of(sorted(lacking))) if name]
        if named:
            log.warn(
                "Nothing is captured for {names} meanwhile: X has no rule of theirs.",
                names=", ".join(named),
            )

    def others_seen(self, others: Mapping[Whose, Sequence[PresentRule]]) -> None:
        """
        Name in the log the rules that tcc has made and are not this client's to delete, where
        their number is news: the posts that they match come here, and are billed.
        """
        found = {(whose, len(rules)) for whose, rules in others.items() if whose in _OF_TCC}
        for whose, number in sorted(found - self._said_of_others, key=str):
            log.warn(
                "The app at X has {rules} {whose}, such as the one tagged {tag!r}. They are left "
                "alone; what they match comes here and is billed: see tcc-rules list.",
                rules="1 rule" if number == 1 else f"{number} rules",
                whose=whose.value,
                tag=others[whose][0].tag,
            )
        self._said_of_others = found
