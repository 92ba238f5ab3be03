"""
Keeps the app's rules as our jobs want them.

Knows the order: try, add, and only when the new rule works delete the old one, so that nothing in
between is missed.  Never touches a rule that is not ours.
"""

from collections.abc import Sequence
from typing import Protocol

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient.backoff import Backoff, Trouble
from tcclient.keywords import Refused
from tcclient.twitter import Refusal
from tcclient.twitter.ruleapi import RuleApi, RuleError
from tcclient.twitter.rules import Clause, pack
from tcclient.twitter.ruleset import NewRule, PresentRule, Routing, job_of, plan

log = Logger()

MOST_SEEN = 10_000
"""Rules of ours that are remembered; an app has 1,000 at a time, or 25,000 on the largest plan."""


class Reader(Protocol):
    """Who hears of the rules."""

    def rules_accepted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """X has taken these rules of a job; they work when the rule delay is over."""

    def rules_deleted(self, job_id: int, rules: Sequence[PresentRule]) -> None:
        """These rules of a job are gone."""

    def terms_refused(self, job_id: int, refused: Sequence[Refused]) -> None:
        """X does not take these terms of a job; the others run."""

    def rules_changed(self) -> None:
        """The rules are what was wanted when they were looked at."""


@attrs.define
class _Wish:
    """What one job wants, less what X does not take."""

    clauses: tuple[Clause, ...]
    bad: set[str] = attrs.field(factory=set)
    alone: bool = False
    """A packed rule was refused though each of its clauses is good: no packing then."""

    def good(self) -> list[Clause]:
        return [clause for clause in self.clauses if clause.text not in self.bad]

    def values(self, rule_length: int) -> tuple[str, ...]:
        if self.alone:
            return tuple(clause.text for clause in self.good())
        return pack(self.good(), rule_length)


@attrs.frozen
class Manner:
    """How rules are kept: `prefix` of our tags, characters of a rule, seconds until it works."""

    prefix: str
    rule_length: int
    rule_delay: float


class Rulebook:
    """The rules of one app, as far as they are ours.  stop() ends all waiting."""

    def __init__(self, api: RuleApi, manner: Manner, reader: Reader, clock: IReactorTime) -> None:
        self._api = api
        self._manner = manner
        self._reader = reader
        self._clock = clock
        self._backoff = Backoff()
        self._wishes: dict[int, _Wish] = {}
        self._present: tuple[PresentRule, ...] = ()
        self._seen: dict[str, PresentRule] = {}
        # Rules that an earlier process left may have successors that do not work yet.
        self._started = clock.seconds()
        self._accepted_at: dict[int, float] = {}
        self._working: Deferred[None] | None = None
        self._again = False
        self._due: IDelayedCall | None = None
        self._said = ""

    def want(self, job_id: int, clauses: Sequence[Clause]) -> None:
        """From now on these are the rules of the job; X is asked at once."""
        self._wishes[job_id] = _Wish(tuple(clauses))
        self._work()

    def drop(self, job_id: int) -> None:
        """The job wants nothing any more: its rules are deleted at once."""
        if self._wishes.pop(job_id, None) is not None:
            self._accepted_at.pop(job_id, None)
            self._work()

    def has_rules(self, job_id: int) -> bool:
        """Whether X has a rule for the job."""
        return any(self._job_of(rule) == job_id for rule in self._present)

    def rule_ids(self, job_id: int) -> list[str]:
        """The ids of the job's rules."""
        return [rule.id for rule in self._present if self._job_of(rule) == job_id]

    def routing(self) -> Routing:
        """
        From matching rules to jobs.  Rules that are gone stay in it: X goes on matching them for a
        while, and does not always name their tags.
        """
        return Routing.of(self._seen.values(), self._manner.prefix)

    def stop(self) -> None:
        """End all waiting; what X still has is put in order at the next start."""
        self._again = False
        self._cancel_due()
        if self._working is not None:
            self._working.cancel()

    def _work(self) -> None:
        """Bring X's rules up to date: now, or when the pass under way is over."""
        self._again = True
        if self._working is None:
            self._cancel_due()
            working = Deferred.fromCoroutine(self._passes())
            working.addErrback(_unless_cancelled)
            if not working.called:
                self._working = working
                working.addBoth(self._rest)

    def _rest(self, _: object) -> None:
        self._working = None

    async def _passes(self) -> None:
        while self._again:
            self._again = False
            try:
                await self._pass()
            except RuleError as e:
                self._try_later(e)
                return
            self._backoff.proved()
            if self._said:
                log.info("The rules can be kept up to date again.")
            self._said = ""

    def _try_later(self, error: RuleError) -> None:
        now, refusal = self._clock.seconds(), error.refusal
        wait = self._backoff.failed(refusal.trouble, now, refusal.at_least)
        if str(error) != self._said:
            said = f" X says: {refusal.explanation!r}." if refusal.explanation else ""
            log.warn(
                "The rules cannot be kept up to date: {error}. {advice}{said} Next try in "
                "{wait:g} s.",
                error=str(error),
                advice=refusal.advice,
                said=said,
                wait=wait,
            )
        self._said = str(error)
        self._call_later(wait)

    async def _pass(self) -> None:
        self._present = await self._api.rules()
        self._remember(self._present)
        wanted = {job: self._values(wish) for job, wish in self._wishes.items()}
        changes = plan(wanted, self._present, self._manner.prefix)
        if changes.add:
            refused = await self._api.attempt(changes.add)
            if refused:
                await self._find_bad_terms(changes.add, refused)
                self._again = True
                return
            await self._add(changes.add)
        await self._delete(changes.delete)
        self._reader.rules_changed()

    def _remember(self, rules: Sequence[PresentRule]) -> None:
        self._seen.update((rule.id, rule) for rule in rules if self._job_of(rule) is not None)
        while len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]

    def _values(self, wish: _Wish) -> tuple[str, ...]:
        return wish.values(self._manner.rule_length)

    async def _add(self, rules: Sequence[NewRule]) -> None:
        added = await self._api.add(rules)
        self._present += added.created
        self._remember(added.created)
        now = self._clock.seconds()
        for job_id, some in self._by_job(added.created).items():
            self._accepted_at[job_id] = now
            self._reader.rules_accepted(job_id, some)
        missing = len(rules) - len(added.created)
        if missing > 0:
            # The app has no room for more, or somebody else added the same meanwhile.
            reasons = "; ".join(sorted(set(added.refused.values())))
            raise RuleError(
                f"{missing} rules were not created" + (f" ({reasons})" if reasons else ""),
                Refusal(Trouble.HTTP, "See whether the app has room for more rules."),
            )

    async def _delete(self, ids: Sequence[str]) -> None:
        """Delete those whose successors work, and look again when the next ones do."""
        now = self._clock.seconds()
        rules = [rule for rule in self._present if rule.id in set(ids)]
        due = [rule for rule in rules if self._kept_until(rule) <= now]
        if due:
            await self._api.delete([rule.id for rule in due])
            self._present = tuple(rule for rule in self._present if rule not in due)
            for job_id, some in self._by_job(due).items():
                self._reader.rules_deleted(job_id, some)
        waits = [self._kept_until(rule) - now for rule in rules if rule not in due]
        if waits:
            self._call_later(min(min(waits), self._manner.rule_delay))

    def _kept_until(self, rule: PresentRule) -> float:
        job_id = self._job_of(rule)
        if job_id is None or job_id not in self._wishes:
            return 0.0
        return self._accepted_at.get(job_id, self._started) + self._manner.rule_delay

    async def _find_bad_terms(self, rules: Sequence[NewRule], refused: dict[str, str]) -> None:
        """Find the terms for which X refuses `refused`, value -> reason, and leave them out."""
        for rule in rules:
            job_id = job_of(rule.tag, self._manner.prefix)
            wish = None if job_id is None else self._wishes.get(job_id)
            if rule.value not in refused or wish is None or job_id is None:
                continue
            bad = await self._bad_clauses(wish, rule, refused[rule.value])
            wish.bad |= {clause.text for clause, _ in bad}
            if bad:
                self._reader.terms_refused(
                    job_id, [Refused(clause.term, f"X refuses it: {why}") for clause, why in bad]
                )
            elif wish.alone:
                raise RuleError(
                    f"X refuses the rule {rule.value[:100]!r} ({refused[rule.value]})",
                    Refusal(Trouble.HTTP, "See whether the term can be put differently."),
                )
            else:
                wish.alone = True

    async def _bad_clauses(self, wish: _Wish, rule: NewRule, why: str) -> list[tuple[Clause, str]]:
        suspects = [clause for clause in wish.good() if clause.text in rule.value]
        exact = [clause for clause in suspects if clause.text == rule.value.strip("()")]
        if len(suspects) == 1 or exact:
            return [(clause, why) for clause in exact or suspects]
        reasons = await self._api.attempt([NewRule(clause.text, rule.tag) for clause in suspects])
        return [(clause, reasons[clause.text]) for clause in suspects if clause.text in reasons]

    def _by_job(self, rules: Sequence[PresentRule]) -> dict[int, list[PresentRule]]:
        found: dict[int, list[PresentRule]] = {}
        for rule in rules:
            job_id = self._job_of(rule)
            if job_id is not None:
                found.setdefault(job_id, []).append(rule)
        return found

    def _job_of(self, rule: PresentRule) -> int | None:
        return job_of(rule.tag, self._manner.prefix)

    def _call_later(self, seconds: float) -> None:
        self._cancel_due()
        self._due = self._clock.callLater(seconds, self._work)

    def _cancel_due(self) -> None:
        if self._due is not None and self._due.active():
            self._due.cancel()
        self._due = None


def _unless_cancelled(failure: Failure) -> None:
    if not failure.check(CancelledError):
        log.failure("The rules could not be kept up to date.", failure)
