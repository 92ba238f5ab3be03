"""
Keeps the app's rules at X as our jobs want them.

Knows what each job wants and what of it X has; the requests are made by `update`, when `keeping`
says so.
"""

from collections.abc import Iterable, Sequence

from twisted.internet.interfaces import IReactorTime

from tcclient.health.facts import LackingTerms
from tcclient.runtime.timers import Timers
from tcclient.sources.twitter_v2.rules.api import RuleApi
from tcclient.sources.twitter_v2.rules.clauses import Clause
from tcclient.sources.twitter_v2.rules.inventory import Inventory
from tcclient.sources.twitter_v2.rules.keeping import KeepingCore, machine
from tcclient.sources.twitter_v2.rules.news import RuleNews
from tcclient.sources.twitter_v2.rules.ownership import Whose
from tcclient.sources.twitter_v2.rules.ruleset import Changes, PresentRule, RulesBefore
from tcclient.sources.twitter_v2.rules.update import RuleUpdate
from tcclient.sources.twitter_v2.rules.wanted import Demand, RulePolicy

SETTLED = 5.0
"""Seconds after which the jobs that are found at a start have said what they want."""


class Rulebook:
    """
    The rules of one app, as far as they are ours.  After stop() X is not asked any more.
    """

    def __init__(
        self, api: RuleApi, policy: RulePolicy, news: RuleNews, clock: IReactorTime
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._inventory = Inventory(policy.ownership, policy.rule_delay, clock.seconds())
        self._demand = Demand(policy)
        update = RuleUpdate(api, policy, self._demand, self._inventory, news, clock)
        self._timers = Timers(clock)
        self._core = KeepingCore(update, self._demand, self._inventory, news, clock, self._timers)
        self._keeping = machine(self._core)
        self._planned: tuple[object, Changes] | None = None

    def clear(self) -> None:
        """
        Delete what an earlier process has left of jobs that want nothing, even if no job wants
        anything: in SETTLED seconds, unless the rules have been seen then.
        """

        def clear() -> None:
            if not self._inventory.is_seen:
                self.look()

        self._timers.start("clear", SETTLED, clear)

    def want(self, job_id: int, clauses: Sequence[Clause]) -> None:
        """Keep rules for these clauses of the job from now on; X is asked at once."""
        now = self._clock.seconds()
        if job_id in self._demand.by_job:
            self._inventory.changed(job_id, now)
        self._demand.want(job_id, clauses)
        if self._inventory.of(job_id):  # else nothing of it can be replaced
            self._inventory.supersede(self._changes(), self._demand.values(), now, is_asked=False)
        self.look()

    def drop(self, job_id: int) -> None:
        """Want nothing for the job any more; its rules are deleted at once."""
        if self._demand.by_job.pop(job_id, None) is not None:
            self.look()

    def spare(self, job_id: int) -> None:
        """Leave the rules of a job as they are until it wants something here, or is forgotten."""
        if job_id not in self._demand.by_job:
            self._demand.spared.add(job_id)
            self._planned = None

    def forget(self, job_id: int) -> None:
        """Delete the rules that an earlier process may have left of a job that wants nothing."""
        self._demand.spared.discard(job_id)
        self._planned = None
        if job_id not in self._demand.by_job and (
            not self._inventory.is_seen or self._inventory.of(job_id)
        ):
            self.look()

    def remember(self, job_id: int, before: RulesBefore) -> None:
        """
        Take up what an earlier process has left for the job: its rules, which count until the rules
        can be read, and the ids of the rules that it deleted, because posts that those matched may
        still come.
        """
        self._inventory.remember(job_id, before)

    def route(
        self, matching_rules: Iterable[tuple[str, str | None]], ago: float = 0.0
    ) -> frozenset[int]:
        """
        Return the jobs that a post is for which matched these rules, pairs of id and tag, up to
        `ago` seconds ago.
        """
        return self._inventory.route(matching_rules, self._clock.seconds() - ago)

    def look(self) -> None:
        """Bring X's rules up to date, at once or after the present pass or wait."""
        self._keeping.look()

    def wants(self, job_id: int) -> bool:
        """Return whether the job asks for anything that X may take."""
        return self._demand.asks(job_id)

    def rules_of(self, job_id: int) -> list[PresentRule]:
        """Return the rules of the job for which posts are kept; none if it wants none."""
        now = self._clock.seconds()
        return self._inventory.serving(job_id, now) if self.wants(job_id) else []

    def wanted_of(self, job_id: int) -> list[PresentRule]:
        """Return the rules of the job that are for what it wants now; none if it wants none."""
        doomed = frozenset(self._changes().delete)
        return [rule for rule in self._inventory.of(job_id) if rule.id not in doomed]

    def is_ours(self, rule_id: str, tag: str | None) -> bool:
        """Return whether a rule is of a job of ours, or was lately, whether or not that runs."""
        return self._inventory.is_ours(rule_id, tag)

    def knows(self, rule_id: str, tag: str | None) -> bool:
        """
        Return whether anybody can tell whose a rule is, by its tag or by its id: once X has told
        which rules the app has, one that is not known is not ours.
        """
        is_seen = bool(rule_id) and self._inventory.is_seen
        return bool(tag) or is_seen or self.is_ours(rule_id, tag)

    def rule(self, rule_id: str) -> PresentRule | None:
        """Return a rule that the app has, whosever it is, or that was ours; None for another id."""
        return self._inventory.rule(rule_id)

    def whose(self, rule_id: str) -> Whose | None:
        """Return who has made a rule that the app has, None for any other id."""
        rule = self._inventory.rule(rule_id)
        return None if rule is None else self._policy.ownership.whose(rule.tag)

    def terms_lacking(self, job_id: int) -> LackingTerms | None:
        """
        Return for how many terms of the job X has no rule, and why they cannot be added; None where
        that does not fail, or it is not known which rules X has.
        """
        wanted, why = self._demand.by_job.get(job_id), self._core.why
        if wanted is None or not why or not self._inventory.is_seen:
            return None
        number = wanted.lacking(rule.value for rule in self._inventory.of(job_id))
        return LackingTerms(number, why) if number else None

    def works_in(self, job_id: int) -> float | None:
        """
        Return the seconds until rules for all that the job wants work; None if X lacks some.  They
        are negative for rules that an earlier process has left, as far as is known of them.
        """
        if not self.rules_of(job_id):
            return None
        changes = self._changes()
        if any(self._policy.ownership.job_of(rule.tag) == job_id for rule in changes.add):
            return None
        now = self._clock.seconds()
        return self._inventory.complete_in(job_id, frozenset(changes.delete), now)

    def begins_in(self, job_id: int, ago: float = 0.0) -> float:
        """
        Return the seconds until the first of the rules that X has for the job works; -`ago` where
        it worked so long ago, or before.
        """
        return self._inventory.begins_in(job_id, self._clock.seconds() - ago) - ago

    def _changes(self) -> Changes:
        """
        Return what is to be changed at X.  It is worked out once for what is wanted and there, as
        each of many captures asks for it in turn.
        """
        asked = self._inventory.rules, self._demand.values()
        if self._planned is None or self._planned[0] != asked:
            self._planned = asked, self._demand.changes(*asked)
        return self._planned[1]

    def stop(self) -> None:
        """Ask no more; what X still has is put in order when the next process starts."""
        self._timers.stop("clear")
        self._keeping.stop()
