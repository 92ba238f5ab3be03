"""
Keeps the app's rules at X as our jobs want them.

Knows the order of the requests: try new rules, add them, and delete the old ones when the new ones
work, so that nothing in between is missed.  Never touches a rule that is not ours.
"""

import math
from collections.abc import Iterable, Sequence, Set
from typing import Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient.ledger.entries import RefusedTerm
from tcclient.runtime.backoff import Backoff, Trouble
from tcclient.runtime.refusals import Refusal
from tcclient.sources.twitter_v2.rules.api import NoRoom, RuleApi, RuleError
from tcclient.sources.twitter_v2.rules.clauses import Clause
from tcclient.sources.twitter_v2.rules.inventory import Inventory, Wanted
from tcclient.sources.twitter_v2.rules.ruleset import (
    Changes,
    NewRule,
    PresentRule,
    Routing,
    job_of,
    plan,
)
from tcclient.sources.twitter_v2.rules.trial import Trial
from tcclient.sources.twitter_v2.rules.wanted import WantedRules

log = Logger()

LOOK_AGAIN = 900.0
"""Seconds after which the rules are read again: somebody may have deleted one of ours."""

_PASSING = frozenset({Trouble.NETWORK, Trouble.HTTP, Trouble.RATE_LIMIT})
"""
Troubles that pass by themselves, so that a change of what is wanted does not shorten the wait.
"""


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


class _NotCreated(RuleError):
    """
    Raised when X has answered, and not added all rules: it has no room for them, or somebody else
    has added the same.
    """

    def __init__(self, number: int, reasons: Iterable[str]) -> None:
        why = "; ".join(sorted(set(reasons)))
        super().__init__(
            f"{number} rules were not created" + (f" ({why})" if why else ""),
            Refusal(Trouble.HTTP, "See whether the app has room for more rules."),
        )


_SHORT = (NoRoom, _NotCreated)
"""Errors after which X has been asked for all rules, and lacks some."""


def _is_short(error: RuleError) -> bool:
    """
    Return whether X has been asked for all rules, and lacks some: those that are replaced may be
    deleted then.
    """
    return isinstance(error, _SHORT)


def _unclear(reasons: Iterable[str]) -> RuleError:
    """
    Return the error for rules that X refuses, but not for a term in them that could be left out.
    Other keywords may be accepted at once.
    """
    return RuleError(
        f"X refuses rules, and not for a term in them ({'; '.join(reasons)})",
        Refusal(Trouble.QUERY_REFUSED, "See whether the keywords can be put differently."),
    )


@attrs.frozen
class RulePolicy:
    """
    How rules are kept: `prefix` begins our tags, `rule_length` is how many characters a rule has at
    most, and `rule_delay` the seconds until a new rule works.
    """

    prefix: str
    rule_length: int
    rule_delay: float


class Rulebook:
    """The rules of one app, as far as they are ours.  After stop() X is not asked any more."""

    def __init__(
        self, api: RuleApi, policy: RulePolicy, listener: RuleListener, clock: IReactorTime
    ) -> None:
        self._api = api
        self._policy = policy
        self._listener = listener
        self._clock = clock
        self._backoff = Backoff()
        self._inventory = Inventory(policy.prefix, policy.rule_delay, clock.seconds())
        self._wanted: dict[int, WantedRules] = {}
        self._busy = False
        self._working: Deferred[None] | None = None
        self._again = False
        self._patient = False
        self._stopped = False
        self._due: IDelayedCall | None = None
        self._said = ""
        self._replaced_at: float | None = None

    def want(self, job_id: int, clauses: Sequence[Clause]) -> None:
        """Keep rules for these clauses of the job from now on; X is asked at once."""
        self._wanted[job_id] = WantedRules(tuple(clauses))
        self.look()

    def drop(self, job_id: int) -> None:
        """Want nothing for the job any more; its rules are deleted at once."""
        if self._wanted.pop(job_id, None) is not None:
            self.look()

    def forget(self, job_id: int) -> None:
        """Delete the rules that an earlier process may have left of a job that wants nothing."""
        if job_id not in self._wanted and (
            not self._inventory.is_seen or self._inventory.of(job_id)
        ):
            self.look()

    def remember(self, job_id: int, left: Iterable[PresentRule], deleted: Iterable[str]) -> None:
        """
        Take up what an earlier process has left for the job: its rules, which count until the rules
        can be read, and the ids of the rules that it deleted, because posts that those matched may
        still come.
        """
        self._inventory.remember(job_id, left, deleted)

    def look(self) -> None:
        """
        Bring X's rules up to date: now, or when the present pass or the wait after a failure is
        over.
        """
        self._again = True
        if not self._patient:
            self._begin()

    def wants(self, job_id: int) -> bool:
        """Return whether the job asks for anything that X may take."""
        wanted = self._wanted.get(job_id)
        return wanted is not None and wanted.asks

    def rules_of(self, job_id: int) -> list[PresentRule]:
        """Return the rules that X has for the job; none if it wants none."""
        return self._inventory.of(job_id) if self.wants(job_id) else []

    def works_in(self, job_id: int) -> float | None:
        """
        Return the seconds until rules for all that the job wants work; None while X lacks some of
        them.
        """
        changes = self._plan()
        lacking = {job_of(rule.tag, self._policy.prefix) for rule in changes.add}
        if not self.rules_of(job_id) or job_id in lacking:
            return None
        complete = self._inventory.complete_from(frozenset(changes.delete))
        return max(0.0, complete.get(job_id, 0.0) - self._clock.seconds())

    def begins_in(self, job_id: int) -> float:
        """Return the seconds until the first of the rules that X has for the job works."""
        return self._inventory.begins_in(job_id, self._clock.seconds())

    @property
    def routing(self) -> Routing:
        """
        The way from the rules that a post matched to our jobs; it follows the rules by itself.
        """
        return self._inventory.routing

    def stop(self) -> None:
        """
        Stop all waiting and asking; what X still has is put in order when the next process starts.
        """
        self._stopped = True
        self._cancel_due()
        if self._working is not None:
            self._working.cancel()

    def _begin(self) -> None:
        """Bring the rules up to date now, without regard to a wait, unless that is being done."""
        self._again, self._patient = True, False
        if self._busy or self._stopped:
            return
        self._busy = True
        working = Deferred.fromCoroutine(self._passes())
        working.addErrback(_unless_cancelled)
        if not working.called:
            self._working = working
        working.addBoth(self._rest)

    def _rest(self, _: object) -> None:
        """
        Note that the passes are over, and look again in LOOK_AGAIN seconds if nothing else is due.
        """
        self._busy, self._working = False, None
        if self._due is None and self._wanted and not self._stopped:
            self._call_later(LOOK_AGAIN)

    async def _passes(self) -> None:
        """Make passes as long as there is something to do.  A failed pass is tried again later."""
        while self._again and not self._stopped:
            self._again = False
            self._cancel_due()
            try:
                done = await self._pass()
            except RuleError as e:
                passing = e.refusal.trouble in _PASSING and not _is_short(e)
                if passing or not self._again:
                    self._try_later(e)
                    self._patient = passing
                    return
            else:
                if done:
                    self._recovered()

    def _recovered(self) -> None:
        """Let the waits begin anew, and say that all is well if a failure had been reported."""
        self._backoff.proved()
        if self._said:
            log.info("The rules can be kept up to date again.")
        self._said = ""

    def _try_later(self, error: RuleError) -> None:
        """Report a failure that is news, and plan the next try."""
        if self._stopped:
            return
        refusal = error.refusal
        wait = self._backoff.failed(refusal.trouble, self._clock.seconds(), refusal.at_least)
        if _is_short(error):
            wait = min(wait, max(1.0, self._until_replaced()))
        is_trusted = self._inventory.trust()
        if str(error) != self._said:
            explanation = refusal.explanation.rstrip(".")
            said = f" X says: {explanation!r}." if explanation else ""
            log.warn(
                "The rules cannot be kept up to date: {error}.{advice}{said} Next try in "
                "{wait:g} s.",
                error=str(error),
                advice=refusal.advice and f" {refusal.advice}",
                said=said,
                wait=wait,
            )
            lacking = {id for id in self._wanted if self.wants(id) and not self.rules_of(id)}
            self._listener.rules_failed(f"{error}.{said}", wait, lacking)
        if is_trusted:
            self._listener.rules_seen()
        self._said = str(error)
        self._call_later(wait)

    async def _pass(self) -> bool:
        """
        Go through the requests once.  Return whether X has now what was wanted at the beginning.
        Raises RuleError.
        """
        self._see(await self._api.rules())
        due = self._inventory.due(self._plan(), self._values(), self._clock.seconds())
        if due:
            await self._api.delete([rule.id for rule in due])
            self._see([rule for rule in self._inventory.rules if rule not in due])
        # What is wanted may change during the requests; the next pass sees to that, and until then
        # it replaces nothing.
        wanted, short = self._values(), None
        changes = self._plan_for(wanted)
        if changes.add:
            try:
                if not await self._add(changes):
                    return False  # until X has been asked for all, nothing is replaced
            except _SHORT as e:
                short = e
        self._replaced_at = self._inventory.supersede(self._plan_for(wanted), wanted)
        self._wait(short)
        return short is None

    def _wait(self, short: RuleError | None) -> None:
        """
        Go on at once if an old rule may be deleted now, which makes room for new ones at the cap of
        rules; or wait until one may.  Raises `short`, if there is one and no rule may be deleted
        now.
        """
        wait = self._until_replaced()
        if wait <= 0:
            self._again = True
        elif short is not None:
            raise short
        elif math.isfinite(wait):
            self._call_later(min(wait, self._policy.rule_delay))

    def _until_replaced(self) -> float:
        """Return the seconds until an old rule may be deleted; inf where none waits for that."""
        at = self._replaced_at
        return math.inf if at is None else at - self._clock.seconds()

    def _values(self) -> dict[int, tuple[str, ...]]:
        """Return the values of the rules that each job wants."""
        return {
            job: wanted.values(self._policy.rule_length) for job, wanted in self._wanted.items()
        }

    def _plan(self) -> Changes:
        return self._plan_for(self._values())

    def _plan_for(self, wanted: Wanted) -> Changes:
        return plan(wanted, self._inventory.rules, self._policy.prefix)

    def _see(self, rules: Iterable[PresentRule]) -> None:
        """Take these for the rules that X has, and report what has changed."""
        news = self._inventory.see(rules, self._clock.seconds())
        if any(self._inventory.job_of(rule) in self._wanted for rule in news.lost):
            log.warn("Somebody has deleted rules of ours at X; they are added again.")
        for job_id, accepted in news.accepted.items():
            self._listener.rules_accepted(job_id, accepted)
        for job_id, gone in news.gone.items():
            self._listener.rules_deleted(job_id, gone)
        self._listener.rules_seen()

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
                if len(some) == 1:
                    raise
                some = some[: len(some) // 2]
            else:
                if is_all and len(some) < len(changes.add):
                    self._again = True
                return is_all and len(some) == len(changes.add)

    async def _add_some(self, changes: Changes, some: Sequence[NewRule]) -> bool:
        """
        Try the rules, and add those that are still wanted then.  Return whether those were all of
        `some`.  Raises RuleError.
        """
        tell = self._listener.terms_refused
        trial = Trial(self._api, self._wanted, self._policy.prefix, tell)
        reasons = await trial.refused(some)
        if reasons:
            self._listener.rules_seen()
            if self._plan().add == changes.add:
                raise _unclear(reasons)  # the same request again would be endless
            self._again = True
            return False
        rules = trial.still_wanted(some)
        if rules:
            added = await self._api.add(rules)
            self._see((*self._inventory.rules, *added.created))
            if len(added.created) < len(rules):
                raise _NotCreated(len(rules) - len(added.created), added.refused.values())
        return len(rules) == len(some)

    def _call_later(self, seconds: float) -> None:
        self._cancel_due()
        self._due = self._clock.callLater(seconds, self._begin)

    def _cancel_due(self) -> None:
        if self._due is not None and self._due.active():
            self._due.cancel()
        self._due = None


def _unless_cancelled(failure: Failure) -> None:
    """Log a failure, unless it is that the request was cancelled."""
    if not failure.check(CancelledError):
        log.failure("The rules could not be kept up to date.", failure)
