"""
Brings the app's rules at X up to date, by one pass of requests.

Knows the order of the requests: try new rules, find the terms for which X refuses some, add the
others, and delete the old ones when the new ones
work, so that nothing in between is missed.  Never touches a rule that is not ours; does not know
when the next pass is made.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.ledger.entries import RefusedTerm
from tcclient.runtime.backoff import Refusal, Trouble
from tcclient.sources.twitter_v2.rules.answers import is_of_length
from tcclient.sources.twitter_v2.rules.api import Added, NoRoom, RuleApi, RuleError
from tcclient.sources.twitter_v2.rules.inventory import Inventory
from tcclient.sources.twitter_v2.rules.news import RuleNews
from tcclient.sources.twitter_v2.rules.ownership import Ownership
from tcclient.sources.twitter_v2.rules.ruleset import Changes, NewRule, PresentRule
from tcclient.sources.twitter_v2.rules.wanted import Demand, RulePolicy, WantedRules

log = Logger()


class _NotCreated(RuleError):
    """Raised when X has not added all rules, for want of room or as somebody else has them."""

    def __init__(self, number: int, added: Added) -> None:
        reasons = {*added.refused.values(), *([_DUPLICATE] if added.duplicates else [])}
        why = f" ({'; '.join(sorted(reasons))})" if reasons else ""
        advice = "" if reasons else "See whether the app has room for more rules."
        rules = "1 rule was" if number == 1 else f"{number} rules were"
        super().__init__(f"{rules} not created{why}", Refusal(Trouble.HTTP, advice))


_DUPLICATE = "X has a rule with the same text already, and calls it a DuplicateRule"


class _NotDeleted(RuleError):
    """Raised when X keeps rules that it was asked to delete."""

    def __init__(self, kept: Sequence[PresentRule]) -> None:
        super().__init__(
            f"X keeps rules that were deleted: {_titles(kept)}",
            Refusal(Trouble.HTTP, "The posts that they match are billed until they are gone."),
        )


def _titles(rules: Sequence[PresentRule]) -> str:
    """Return what to call some rules; of many the first."""
    names = ", ".join(rule.title for rule in rules[:5])
    return names + (f" and {len(rules) - 5} more" if len(rules) > 5 else "")


_SHORT = (NoRoom, _NotCreated)
"""Errors after which X has been asked for all rules, and lacks some."""


def is_partial(error: RuleError) -> bool:
    """Return whether the pass went on to its end, so that what is new need not wait."""
    return isinstance(error, (*_SHORT, _NotDeleted))


def is_short(error: RuleError) -> bool:
    """Return whether X lacks rules that it was asked for: replaced ones may be deleted then."""
    return isinstance(error, _SHORT)


def _unclear(reasons: Iterable[str]) -> RuleError:
    """Return the error for a refusal that is due to no term; other keywords may be accepted."""
    return RuleError(
        f"X refuses rules, and not for a term in them ({'; '.join(reasons)})",
        Refusal(Trouble.QUERY_REFUSED, "See whether the keywords can be put differently."),
    )


class PassOutcome(Struct, frozen=True):
    """
    How far a pass has come: whether X has now what was wanted at its beginning, and in how many
    seconds the next pass has something to do, 0.0 for at once and inf for never.
    """

    is_complete: bool
    next_in: float


_GOES_ON = PassOutcome(is_complete=False, next_in=0.0)


class RuleUpdate(Struct):
    """Makes X's rules what `demand` is, and has `inventory` and `news` know of them."""

    _api: RuleApi
    _policy: RulePolicy
    _demand: Demand
    _inventory: Inventory
    _news: RuleNews
    _clock: IReactorTime
    _replaced_at: float | None = None

    async def make_pass(self) -> PassOutcome:
        """Go through the requests once.  Return how far that has led.  Raises RuleError."""
        self._see(await self._api.rules())
        wanted, now = self._demand.values(), self._clock.seconds()
        changes = self._changes()
        self._inventory.supersede(changes, wanted, now, is_asked=False)
        due = self._inventory.due(changes, wanted, now)
        kept = await self._delete(due) if due else []
        # What is wanted may change during the requests; the next pass sees to that, and until then
        # it replaces nothing.
        wanted, short = self._demand.values(), None
        changes = self._demand.changes(self._inventory.rules, wanted)
        if changes.add:
            try:
                if not await self._add(changes):
                    return _GOES_ON  # until X has been asked for all, nothing is replaced
            except _SHORT as e:
                short = e
        left = self._demand.changes(self._inventory.rules, wanted)
        now = self._clock.seconds()
        self._replaced_at = self._inventory.supersede(left, wanted, now, is_asked=True)
        if kept:
            raise _NotDeleted(kept)
        return self._outcome(short)

    def until_replaced(self) -> float:
        """Return the seconds until an old rule may be deleted; inf where none waits for that."""
        at = self._replaced_at
        return math.inf if at is None else at - self._clock.seconds()

    def _outcome(self, short: RuleError | None) -> PassOutcome:
        """
        Return that the next pass is made at once if an old rule may be deleted now, which makes
        room for new ones at the cap of rules, or when one may.  Raises `short`, if there is one and
        no rule may be deleted now.
        """
        wait = self.until_replaced()
        if wait <= 0:
            return PassOutcome(short is None, 0.0)
        if short is not None:
            raise short
        return PassOutcome(
            True, min(wait, self._policy.rule_delay) if math.isfinite(wait) else wait
        )

    def _changes(self) -> Changes:
        return self._demand.changes(self._inventory.rules)

    async def _delete(self, due: Sequence[PresentRule]) -> list[PresentRule]:
        """
        Delete rules.  Return those that X still has, by its own word or a new listing.  Raises
        RuleError that names them.
        """
        ids = {rule.id for rule in due}
        try:
            is_all = await self._api.delete([rule.id for rule in due])
        except RuleError as e:
            raise RuleError(f"{e}, at the deletion of {_titles(due)}", e.refusal) from e
        if is_all:
            self._see([rule for rule in self._inventory.rules if rule.id not in ids])
        else:
            self._see(await self._api.rules())
        return [rule for rule in self._inventory.rules if rule.id in ids]

    def _see(self, rules: Iterable[PresentRule]) -> None:
        """Take these for the rules that X has, and report what has changed."""
        seen = self._inventory.see(rules, self._clock.seconds())
        if any(self._inventory.job_of(rule) in self._demand.by_job for rule in seen.lost):
            log.warn("Somebody has deleted rules of ours at X; they are added again.")
        for job_id, accepted in seen.accepted.items():
            self._news.rules_accepted(job_id, accepted)
        for job_id, gone in seen.gone.items():
            self._news.rules_deleted(job_id, gone)
        self._news.held.note(held=self._inventory.has_ours)
        self._news.others_seen(seen.others)
        self._news.seen()

    async def _add(self, changes: Changes) -> bool:
        """
        Add what is still wanted, or as much of it as there is room for.  Return whether that was
        all that is lacking; if not, the next pass goes on.  Raises RuleError.
        """
        some = changes.add
        while True:
            try:
                is_all = await self._add_some(changes, some)
            except NoRoom:
                if self._demand.condense():
                    log.warn("X takes no more rules of the app: they are filled to their ends.")
                    return False
                if len(some) == 1:
                    raise
                some = some[: len(some) // 2]
            else:
                return is_all and len(some) == len(changes.add)

    async def _add_some(self, changes: Changes, some: Sequence[NewRule]) -> bool:
        """
        Try the rules, and add those that are still wanted then.  Return whether those were all of
        `some`.  Raises RuleError.
        """
        tell = self._news.terms_refused
        trial = Trial(self._api, self._demand, self._policy.ownership, tell)
        reasons = await trial.refused(some)
        if reasons:
            self._news.seen()
            if self._changes().add == changes.add:
                raise _unclear(reasons)  # the same request again would be endless
            return False
        rules = trial.still_wanted(some)
        if rules:
            self._news.held.note(held=True)
            added = await self._api.add(rules)
            self._see((*self._inventory.rules, *added.created))
            if len(added.created) < len(rules):
                raise _NotCreated(len(rules) - len(added.created), added)
        return len(rules) == len(some)


class Trial:
    """
    A trial of rules that were planned for the `demand` as it is at this moment; what a job wants
    may change during the trial.  `tell` is called with a job and the terms of it that X refuses.
    """

    def __init__(
        self,
        api: RuleApi,
        demand: Demand,
        ownership: Ownership,
        tell: Callable[[int, Sequence[RefusedTerm]], None],
    ) -> None:
        self._api = api
        self._demand = demand
        self._ownership = ownership
        self._tell = tell
        self._planned = dict(demand.by_job)

    async def refused(self, rules: Sequence[NewRule]) -> list[str]:
        """
        Try the rules.  Return X's reasons for refusing some of them, none where it takes all; the
        terms at fault are left out of what is wanted then, and what was in rules that are too long
        is wanted in shorter ones.  Raises RuleError.
        """
        refused = await self._api.attempt(rules)
        too_long = {r.value: refused[r.value] for r in rules if self._is_too_long(r, refused)}
        if too_long and self._demand.shorten(too_long):
            log.warn(
                "X refuses rules for their length ({reason}): they have {n} characters at most "
                "from now on. With twitter.rule_length: {n} the client need not find that out.",
                reason=next(iter(too_long.values())),
                n=self._demand.rule_length,
            )
            return sorted(set(refused.values()))
        for rule in rules:
            if rule.value in refused:
                await self._find_bad_terms(rule, refused[rule.value])
        return sorted(set(refused.values()))

    def still_wanted(self, rules: Sequence[NewRule]) -> list[NewRule]:
        """Return the rules whose jobs still want what they wanted when the rules were planned."""
        return [rule for rule in rules if self._wanted_of(rule) is not None]

    async def _find_bad_terms(self, rule: NewRule, reason: str) -> None:
        """Find the terms for which a rule is refused, by trying its clauses if need be."""
        wanted = self._wanted_of(rule)
        if wanted is None:
            return
        bad = wanted.is_bad(rule.value, reason)
        if not bad:
            clauses = [NewRule(clause.text, rule.tag) for clause in wanted.suspects(rule.value)]
            bad = wanted.tried(rule.value, await self._api.attempt(clauses))
        job_id = self._ownership.job_of(rule.tag)
        if bad and job_id is not None and self._wanted_of(rule) is wanted:
            self._tell(job_id, bad)

    def _is_too_long(self, rule: NewRule, refused: Mapping[str, str]) -> bool:
        """Return whether a rule of several clauses is refused, and X speaks of lengths."""
        if not is_of_length(refused.get(rule.value, "")):
            return False
        wanted = self._wanted_of(rule)
        return wanted is not None and len(wanted.suspects(rule.value)) > 1

    def _wanted_of(self, rule: NewRule) -> WantedRules | None:
        """Return what the rule's job wants, None if that has changed since the plan was made."""
        job_id = self._ownership.job_of(rule.tag)
        wanted = None if job_id is None else self._demand.by_job.get(job_id)
        return wanted if job_id is not None and wanted is self._planned.get(job_id) else None
