"""
Which rules an app has, whose they are, since when they work, and until when posts are kept for
them.  Pure.

Knows that a new rule works only after a while, and that the rule which it replaces has to stay
until then.
"""

import math
from collections.abc import Iterable, Mapping, Sequence, Set

from msgspec import Struct

from tcclient.sources.twitter_v2.rules.cover import Cover
from tcclient.sources.twitter_v2.rules.former import FormerRules
from tcclient.sources.twitter_v2.rules.ownership import Ownership, Whose
from tcclient.sources.twitter_v2.rules.ruleset import Changes, PresentRule, RulesBefore
from tcclient.sources.twitter_v2.rules.wanted import Wanted

ByJob = Mapping[int, Sequence[PresentRule]]
"""The rules of each job."""


class News(Struct, frozen=True):
    """
    What has changed: the rules of ours that are new, and those that are gone, by job.  `lost` are
    the gone ones that were still wanted.  `others` are the rules there that are not ours.
    """

    accepted: ByJob
    gone: ByJob
    lost: Sequence[PresentRule]
    others: Mapping[Whose, Sequence[PresentRule]]


class _Held(Struct, eq=False):
    """
    A rule that the app has; `job` is ours that it is for.  It works from `works` on.  `is_older`:
    an earlier process has made it.  `replaced` is when all that replaces it works, and `unwanted`
    since when it is not asked for; from `until` on no post is kept for it.  `is_stale`: the capture
    was stopped since.
    """

    rule: PresentRule
    job: int | None
    works: float
    is_older: bool = False
    replaced: float | None = None
    unwanted: float = 0.0
    until: float = math.inf
    is_stale: bool = False

    def replace(self, works: float, unwanted: float, now: float) -> None:
        """Take note of when all works that replaces it, if that is not known, or is sooner."""
        if self.replaced is None or (now < self.replaced and works < self.replaced):
            self.replaced, self.unwanted = works, unwanted


class Inventory:
    """
    The rules of an app as they were seen last.  `ownership` knows whose a rule is, `rule_delay` is
    how many seconds pass until a new rule works, and `now`, in seconds, is when this process
    starts.  `is_seen` says whether the rules have been read.
    """

    def __init__(self, ownership: Ownership, rule_delay: float, now: float) -> None:
        self.is_seen = False
        self._ownership = ownership
        self._rule_delay = rule_delay
        self._started = now
        self._held: dict[str, _Held] = {}
        self._of_job: dict[int | None, list[_Held]] = {}
        self._doomed: frozenset[str] = frozenset()
        self._former = FormerRules(ownership, rule_delay, now)
        self._changed: dict[int, float] = {}

    @property
    def rules(self) -> tuple[PresentRule, ...]:
        """The rules that the app has, ours or not."""
        return tuple(held.rule for held in self._held.values())

    @property
    def has_ours(self) -> bool:
        """Whether the app has rules of ours, be they wanted or not."""
        return any(held.job is not None for held in self._held.values())

    def rule(self, rule_id: str) -> PresentRule | None:
        """Return the rule of this id that the app has, ours or not, or that was ours, or None."""
        held = self._held.get(rule_id)
        return self._former.rule(rule_id) if held is None else held.rule

    def see(self, rules: Iterable[PresentRule], now: float) -> News:
        """
        Take `rules` for what the app has at `now`.  Return what has changed.

        A rule that an earlier process left may be about to work: unless its ledger says when, it
        counts as accepted when this process started, works from now on, as its posts were nobody's
        before, and is no news.  A rule whose acceptance we were not told of counts from now on.
        """
        before, was_seen = self._held, self.is_seen
        self._held = {rule.id: self._hold(rule, now, before.get(rule.id)) for rule in rules}
        self._of_job = _indexed(self._held.values())
        self.is_seen = True
        new = [held for id, held in self._held.items() if id not in before]
        gone = [held for id, held in before.items() if id not in self._held]
        ours = [(held, held.job) for held in gone if held.job is not None]
        for held, job in ours:
            self._former.add(held.rule, job, held.until)
        lost = [held.rule for held, _ in ours if held.rule.id not in self._doomed]
        others: dict[Whose, list[PresentRule]] = {}
        for held in self._held.values():
            if held.job is None:
                others.setdefault(self._ownership.whose(held.rule.tag), []).append(held.rule)
        return News(
            _by_job(new if was_seen else ()), _by_job(gone), lost if was_seen else [], others
        )

    def remember(self, job_id: int, before: RulesBefore) -> None:
        """Take up what an earlier process has left for the job."""
        self._former.take(job_id, before)
        for id, held in self._held.items():
            if held.is_older:
                held.works = min(held.works, self._former.works.get(id, math.inf))
                held.until = min(held.until, self._former.until(id))
                held.replaced = self._former.replaced.get(id, held.replaced)
            if id in before.stale:
                held.until, held.is_stale = self._started, True

    def trust(self) -> bool:
        """
        Take the rules that an earlier process left to be there, for the time being, as the rules
        cannot be read.  Once they have been read, do nothing.  Return whether anything changed.
        """
        if self.is_seen or self._held or not self._former.left:
            return False
        self._held = {id: self._hold(r, self._started) for id, r in self._former.left.items()}
        self._of_job = _indexed(self._held.values())
        return True

    def route(self, matching_rules: Iterable[tuple[str, str | None]], now: float) -> frozenset[int]:
        """
        Return the jobs that the matching rules, pairs of id and tag, belong to; X promises the id
        only.  A job may have stopped since: its rules work until X has deleted them.
        """
        jobs: set[int | None] = set()
        for id, tag in matching_rules:
            held = self._held.get(id)
            if held is None:
                jobs.add(self._former.job_of(id, tag, now))
            elif now < held.until:
                jobs.add(held.job)
        return frozenset(job for job in jobs if job is not None)

    def is_ours(self, rule_id: str, tag: str | None) -> bool:
        """Return whether a rule is, or was lately, of a job of ours; posts may be kept or not."""
        held = self._held.get(rule_id)
        return self._former.is_ours(rule_id, tag) if held is None else held.job is not None

    def of(self, job_id: int) -> list[PresentRule]:
        """Return the rules that the app has for a job."""
        return [held.rule for held in self._of_job.get(job_id, ())]

    def serving(self, job_id: int, now: float) -> list[PresentRule]:
        """Return those of the rules of a job for which posts are kept."""
        return [held.rule for held in self._serving(job_id, now)]

    def begins_in(self, job_id: int, now: float) -> float:
        """Return the seconds until the first rule of a job works; 0.0 where it has none."""
        # Rules of an earlier process whose ledger does not date them have most likely worked long.
        serving, dated = self._serving(job_id, now), self._former.works
        waits = [h.works - now for h in serving if not h.is_older or h.rule.id in dated]
        return max(0.0, min(waits)) if len(waits) == len(serving) > 0 else 0.0

    def changed(self, job_id: int, now: float) -> None:
        """Take note that a job wants something else from `now` on."""
        self._changed[job_id] = now

    def due(self, changes: Changes, wanted: Wanted, now: float) -> list[PresentRule]:
        """
        Return the rules that may be deleted at `now`: those of jobs that want nothing, those for
        which no post is kept, and those whose successors work.  `changes` lead from the present
        rules to `wanted`.
        """
        covers = _covers(self._held.values(), wanted, now)
        due = []
        for job_id, held in self._doom(changes):
            if job_id not in wanted or held.is_stale:
                due.append(held.rule)
                continue
            cover = covers[job_id]
            replaced = math.inf if held.replaced is None else held.replaced
            if max(replaced, cover.without(held.rule)) <= now:
                cover.remove(held.rule)
                due.append(held.rule)
        return due

    def supersede(
        self, changes: Changes, wanted: Wanted, now: float, *, is_asked: bool
    ) -> float | None:
        """
        Note what is replaced, given the `changes` that lead from the present rules to `wanted`:
        rules of jobs that lack nothing, and if X has been asked for all (`is_asked`) those of the
        others too.  Return when the next such rule may be deleted, None where none is waiting for
        that.  The rule delay after that time no post is kept for it any more.
        """
        lacking = {self._ownership.job_of(rule.tag) for rule in changes.add}
        complete = _complete(self._held.values(), frozenset(changes.delete))
        covers = _covers(self._held.values(), wanted, now)
        times = []
        for job_id, held in self._doom(changes):
            if job_id not in wanted or held.is_stale:
                continue
            if job_id not in lacking or (held.replaced is None and is_asked):
                held.replace(complete.get(job_id, now), self._changed.get(job_id, 0.0), now)
            if held.replaced is None:
                continue
            times.append(max(held.replaced, covers[job_id].without(held.rule)))
            until = max(times[-1], held.unwanted) + self._rule_delay
            # Before its successors work it may be wanted again, and after that no more.
            if until < held.until or now < held.replaced:
                held.until = until
        return min(filter(math.isfinite, times), default=None)

    def complete_in(self, job_id: int, doomed: Set[str], now: float) -> float:
        """Return the seconds until all that a job wants now comes, as _wait() does."""
        wanted = self._changed.get(job_id, -math.inf)
        return _wait(self._of_job.get(job_id, ()), doomed, wanted, now)

    def job_of(self, rule: PresentRule) -> int | None:
        """Return the job that a rule is for; None for a rule that is not ours."""
        return self._ownership.job_of(rule.tag)

    def _hold(self, rule: PresentRule, now: float, held: _Held | None = None) -> _Held:
        """Return what is known of a rule that is seen, `held` being what was known before."""
        if held is not None:
            held.rule, held.job = rule, self.job_of(rule)
            return held
        since = now if self.is_seen else self._started
        works = self._former.works.get(rule.id, max(now, since + self._rule_delay))
        found = _Held(rule, self.job_of(rule), works, is_older=not self.is_seen)
        # What X lists again though it said that it was deleted is wanted no more than before.
        found.until = self._former.until(rule.id)
        found.replaced = self._former.replaced.get(rule.id)
        found.is_stale = rule.id in self._former.stale
        return found

    def _serving(self, job_id: int, now: float) -> list[_Held]:
        return [held for held in self._of_job.get(job_id, ()) if now < held.until]

    def _doom(self, changes: Changes) -> list[tuple[int, _Held]]:
        """Return the rules that are to be deleted, with their jobs; the others are wanted."""
        self._doomed = frozenset(changes.delete)
        for id, held in self._held.items():
            if id not in self._doomed:
                held.until, held.replaced, held.is_stale = math.inf, None, False
                self._former.wanted(id)
        found = ((held.job, held) for id, held in self._held.items() if id in self._doomed)
        return [(job, held) for job, held in found if job is not None]


def _indexed(rules: Iterable[_Held]) -> dict[int | None, list[_Held]]:
    """Return the rules of each job, and under None those that are not ours."""
    found: dict[int | None, list[_Held]] = {}
    for held in rules:
        found.setdefault(held.job, []).append(held)
    return found


def _complete(rules: Iterable[_Held], doomed: Set[str]) -> dict[int | None, float]:
    """Return job -> when all of these rules of it work, except for the `doomed`."""
    found: dict[int | None, float] = {}
    for held in rules:
        if held.rule.id not in doomed:
            found[held.job] = max(found.get(held.job, 0.0), held.works)
    return found


def _wait(rules: Iterable[_Held], doomed: Set[str], wanted: float, now: float) -> float:
    """
    Return the seconds until all of these rules work, except for the `doomed`, negative for since
    when they have worked if an earlier process has made them all: not before they were `wanted`.
    """
    kept = [held for held in rules if held.rule.id not in doomed]
    left = max((held.works for held in kept), default=now) - now
    return max(left, wanted - now if all(held.is_older for held in kept) else 0.0)


def _by_job(rules: Iterable[_Held]) -> dict[int, list[PresentRule]]:
    found = _indexed(rules).items()
    return {job: [held.rule for held in some] for job, some in found if job is not None}


def _covers(rules: Iterable[_Held], wanted: Wanted, now: float) -> Mapping[int, Cover]:
    """Return for each job which of the rules bring what it wants."""
    works: dict[int, dict[PresentRule, float]] = {job_id: {} for job_id in wanted}
    for held in rules:
        if held.job in works and now < held.until:
            works[held.job][held.rule] = held.works
    return {job_id: Cover(works[job_id], wanted[job_id]) for job_id in wanted}
