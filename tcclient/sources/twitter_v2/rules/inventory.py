"""
What rules an app has, since when, and when a rule that is no longer wanted may go.  Pure.

Knows that a new rule works only after a while, and that what it replaces has to stay until then.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set

import attrs

from tcclient.sources.twitter_v2.rules.ruleset import Changes, PresentRule, Routing, job_of, tag
from tcclient.sources.twitter_v2.rules.wanted import pieces

MOST_FORMER = 10_000
"""Deleted rules that are remembered: what they matched still comes for a while."""

ByJob = Mapping[int, Sequence[PresentRule]]
Wanted = Mapping[int, Sequence[str]]


@attrs.frozen
class News:
    """
    Our rules that were not there before, and those that are there no longer, by job.  `lost` are
    those of the latter that were still wanted.
    """

    accepted: ByJob
    gone: ByJob
    lost: Sequence[PresentRule]


class Inventory:
    """
    The rules of an app as they were seen last.  `prefix` is that of our tags, `rule_delay` the
    seconds until a rule works, `now` (seconds) the time at which this process starts.

    `routing` always knows the rules that are there, and those that were there lately.
    """

    def __init__(self, prefix: str, rule_delay: float, now: float) -> None:
        self.rules: tuple[PresentRule, ...] = ()
        self._prefix = prefix
        self._rule_delay = rule_delay
        self._started = now
        self._seen = False
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
        `rules` is what the app has at `now`.

        A rule that an earlier process left may be about to work: it counts as accepted when this
        one started, and is no news.  One whose acceptance got lost on the way counts from now on.
        """
        before = {rule.id: rule for rule in self.rules}
        after = {rule.id: rule for rule in rules}
        new = [rule for id, rule in after.items() if id not in before]
        gone = [rule for id, rule in before.items() if id not in after]
        if not self._seen:
            self._older = frozenset(after)
        since = now if self._seen else self._started
        self._works |= {rule.id: since + self._rule_delay for rule in new}
        for rule in gone:
            del self._works[rule.id]
        self.rules = tuple(after.values())
        self._route(new, gone)
        wanted = [rule for rule in gone if rule.id not in self._doomed] if self._seen else []
        lost = [rule for rule in wanted if self.job_of(rule) is not None]
        news = News(self._by_job(new if self._seen else ()), self._by_job(gone), lost)
        self._seen = True
        return news

    def remember(self, job_id: int, left: Iterable[PresentRule], deleted: Iterable[str]) -> None:
        """What an earlier process has left for the job, and the ids of rules that it deleted."""
        tagged = {rule.id: attrs.evolve(rule, tag=tag(self._prefix, job_id)) for rule in left}
        self._left |= tagged
        for id in (*tagged, *deleted):
            if id not in self._jobs:
                self._jobs[id] = job_id
                self._former.append(id)

    def trust(self) -> bool:
        """The rules cannot be read: as long as none have been, what was left is taken to be there.
        Whether that is news."""
        if self._seen or self.rules or not self._left:
            return False
        self.rules = tuple(self._left.values())
        self._older = frozenset(self._left)
        self._works |= dict.fromkeys(self._left, self._started)
        return True

    @property
    def is_seen(self) -> bool:
        """Whether the rules have been read."""
        return self._seen

    def of(self, job_id: int) -> list[PresentRule]:
        """The rules of a job."""
        return [rule for rule in self.rules if self.job_of(rule) == job_id]

    def begins_in(self, job_id: int, now: float) -> float:
        """
        Seconds until the first rule of a job works; 0.0 where it has none.  Those of an earlier
        process are taken to work, as they mostly have for long.
        """
        waits = (
            0.0 if rule.id in self._older else self._works[rule.id] - now
            for rule in self.of(job_id)
        )
        return max(0.0, min(waits, default=0.0))

    def due(self, changes: Changes, wanted: Wanted, now: float) -> list[PresentRule]:
        """
        What may be deleted at `now`: the rules of jobs that want nothing, and those whose
        successors work.  `changes` lead from the rules to `wanted`.
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
        X has been asked for all that is `wanted`; `changes` are left.  Returns when the next of
        the rules that they delete will be due, None where none is waiting for that.
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
        """Job -> when all of its rules work but the `doomed`, given by their ids."""
        found: dict[int | None, float] = {}
        for rule in self.rules:
            if rule.id not in doomed:
                job_id = self.job_of(rule)
                found[job_id] = max(found.get(job_id, 0.0), self._works[rule.id])
        return found

    def job_of(self, rule: PresentRule) -> int | None:
        """The job that a rule is for; None where it is not ours."""
        return job_of(rule.tag, self._prefix)

    def _cover(self, job_id: int, wanted: Wanted) -> "_Cover":
        return _Cover({rule: self._works[rule.id] for rule in self.of(job_id)}, wanted[job_id])

    def _route(self, new: Iterable[PresentRule], gone: Iterable[PresentRule]) -> None:
        self._jobs |= {rule.id: job for job, rules in self._by_job(new).items() for rule in rules}
        self._former.extend(rule.id for rule in gone if rule.id in self._jobs)
        while len(self._former) > MOST_FORMER:
            former = self._former.popleft()
            if former not in self._works:
                self._jobs.pop(former, None)

    def _by_job(self, rules: Iterable[PresentRule]) -> dict[int, list[PresentRule]]:
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
        """From when on nothing that is wanted is missed without this rule."""
        since = 0.0
        for piece in pieces(rule.value) & self._bringing.keys():
            others = (time for id, time in self._bringing[piece].items() if id != rule.id)
            since = max(since, min(others, default=math.inf))
        return since

    def remove(self, rule: PresentRule) -> None:
        """It goes: it brings nothing any more."""
        for bringing in self._bringing.values():
            bringing.pop(rule.id, None)
