"""
Which rules an app has, since when, and when a rule that is no longer wanted may be deleted.  Pure.

Knows that a new rule works only after a while, and that the rule which it replaces has to stay
until then.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set

from msgspec import Struct, structs

from tcclient.sources.twitter_v2.rules.ruleset import Changes, PresentRule, Routing, job_of, tag
from tcclient.sources.twitter_v2.rules.wanted import Wanted, pieces

MOST_FORMER = 10_000
"""How many deleted rules are remembered: posts that they matched still come for a while."""

ByJob = Mapping[int, Sequence[PresentRule]]
"""The rules of each job."""


class News(Struct, frozen=True):
    """
    What has changed: the rules of ours that are new, and those that are gone, by job.  `lost` are
    the gone ones that were still wanted.
    """

    accepted: ByJob
    gone: ByJob
    lost: Sequence[PresentRule]


class Inventory:
    """
    The rules of an app as they were seen last.  `prefix` begins our tags, `rule_delay` is how many
    seconds pass until a new rule works, and `now`, in seconds, is when this process starts.

    `routing` always knows the rules that are there, and those that were there lately; `is_seen`
    says whether the rules have been read.
    """

    def __init__(self, prefix: str, rule_delay: float, now: float) -> None:
        self.rules: tuple[PresentRule, ...] = ()
        self._prefix = prefix
        self._rule_delay = rule_delay
        self._started = now
        self.is_seen = False
        self._works: dict[str, float] = {}
        self._older: frozenset[str] = frozenset()
        self._doomed: frozenset[str] = frozenset()
        self._replaced: dict[str, float] = {}
        self._jobs: dict[str, int] = {}
        self._former: deque[str] = deque()
        self._left: dict[str, PresentRule] = {}
        self.routing = Routing(prefix, self._jobs)

    def see(self, rules: Iterable[PresentRule], now: float) -> News:
        """
        Take `rules` for what the app has at `now`.  Return what has changed.

        A rule that an earlier process left may be about to work: it counts as accepted when this
        process started, and is no news.  A rule whose acceptance we were not told of counts from
        now on.
        """
        before = {rule.id: rule for rule in self.rules}
        after = {rule.id: rule for rule in rules}
        new = [rule for id, rule in after.items() if id not in before]
        gone = [rule for id, rule in before.items() if id not in after]
        if not self.is_seen:
            self._older = frozenset(after)
        since = now if self.is_seen else self._started
        self._works |= {rule.id: since + self._rule_delay for rule in new}
        for rule in gone:
            del self._works[rule.id]
        self.rules = tuple(after.values())
        self._route(new, gone)
        wanted = [rule for rule in gone if rule.id not in self._doomed] if self.is_seen else []
        lost = [rule for rule in wanted if self.job_of(rule) is not None]
        news = News(self._by_job(new if self.is_seen else ()), self._by_job(gone), lost)
        self.is_seen = True
        return news

    def remember(self, job_id: int, left: Iterable[PresentRule], deleted: Iterable[str]) -> None:
        """Take up what an earlier process has left for the job, and the ids that it deleted."""
        tagged = {rule.id: structs.replace(rule, tag=tag(self._prefix, job_id)) for rule in left}
        self._left |= tagged
        for id in (*tagged, *deleted):
            if id not in self._jobs:
                self._jobs[id] = job_id
                self._former.append(id)

    def trust(self) -> bool:
        """
        Take the rules that an earlier process left to be there, for the time being, as the rules
        cannot be read.  Once they have been read, do nothing.  Return whether anything changed.
        """
        if self.is_seen or self.rules or not self._left:
            return False
        self.rules = tuple(self._left.values())
        self._older = frozenset(self._left)
        self._works |= dict.fromkeys(self._left, self._started)
        return True

    def of(self, job_id: int) -> list[PresentRule]:
        """Return the rules that the app has for a job."""
        return [rule for rule in self.rules if self.job_of(rule) == job_id]

    def begins_in(self, job_id: int, now: float) -> float:
        """
        Return the seconds until the first rule of a job works; 0.0 where it has none.  Rules of an
        earlier process are taken to work, as most have done so for long.
        """
        waits = (
            0.0 if rule.id in self._older else self._works[rule.id] - now
            for rule in self.of(job_id)
        )
        return max(0.0, min(waits, default=0.0))

    def due(self, changes: Changes, wanted: Wanted, now: float) -> list[PresentRule]:
        """
        Return the rules that may be deleted at `now`: those of jobs that want nothing, and those
        whose successors work.  `changes` lead from the present rules to `wanted`.
        """
        self._doomed = frozenset(changes.delete)
        covers: dict[int, _Cover] = {}
        due = []
        for rule in self.rules:
            job_id = self.job_of(rule)
            if rule.id not in self._doomed or job_id is None:
                continue
            if job_id not in wanted:
                due.append(rule)
                continue
            if job_id not in covers:
                covers[job_id] = self._cover(job_id, wanted)
            cover = covers[job_id]
            if max(self._replaced.get(rule.id, math.inf), cover.without(rule)) <= now:
                cover.remove(rule)
                due.append(rule)
        return due

    def supersede(self, changes: Changes, wanted: Wanted) -> float | None:
        """
        Note that X has been asked for all that is `wanted`, and that `changes` are left.  Return
        when the next of the rules that they delete may be deleted, None where none is waiting for
        that.
        """
        doomed = set(changes.delete)
        complete = self.complete_from(doomed)
        self._replaced = {
            rule.id: self._replaced.get(rule.id, complete.get(self.job_of(rule), 0.0))
            for rule in self.rules
            if rule.id in doomed
        }
        times = []
        for job_id, rules in self._by_job(r for r in self.rules if r.id in doomed).items():
            if job_id in wanted:
                cover = self._cover(job_id, wanted)
                times += [max(self._replaced[r.id], cover.without(r)) for r in rules]
        next_due = min(times, default=math.inf)
        return None if math.isinf(next_due) else next_due

    def complete_from(self, doomed: Set[str]) -> dict[int | None, float]:
        """Return job -> when all its rules work, except for the `doomed`, given by their ids."""
        found: dict[int | None, float] = {}
        for rule in self.rules:
            if rule.id not in doomed:
                job_id = self.job_of(rule)
                found[job_id] = max(found.get(job_id, 0.0), self._works[rule.id])
        return found

    def job_of(self, rule: PresentRule) -> int | None:
        """Return the job that a rule is for; None for a rule that is not ours."""
        return job_of(rule.tag, self._prefix)

    def _cover(self, job_id: int, wanted: Wanted) -> "_Cover":
        """Return which of the rules of a job bring what it wants."""
        return _Cover({rule: self._works[rule.id] for rule in self.of(job_id)}, wanted[job_id])

    def _route(self, new: Iterable[PresentRule], gone: Iterable[PresentRule]) -> None:
        """Let `routing` know new rules, and forget the oldest of those that are gone."""
        self._jobs |= {rule.id: job for job, rules in self._by_job(new).items() for rule in rules}
        self._former.extend(rule.id for rule in gone if rule.id in self._jobs)
        while len(self._former) > MOST_FORMER:
            former = self._former.popleft()
            if former not in self._works:
                self._jobs.pop(former, None)

    def _by_job(self, rules: Iterable[PresentRule]) -> dict[int, list[PresentRule]]:
        """Return those of the rules that are ours, by job."""
        found: dict[int, list[PresentRule]] = {}
        for rule in rules:
            job_id = self.job_of(rule)
            if job_id is not None:
                found.setdefault(job_id, []).append(rule)
        return found


class _Cover:
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
        for bringing in self._bringing.values():
            bringing.pop(rule.id, None)
