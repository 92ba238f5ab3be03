"""X's rules endpoint with a voice: the rules of an app, and what becomes of requests."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from tcclient.runtime.backoff import Refusal, Trouble
from tcclient.sources.twitter_v2.rules.api import Added, NoRoom, RuleApi, RuleError
from tcclient.sources.twitter_v2.rules.ownership import Ownership
from tcclient.sources.twitter_v2.rules.ruleset import NewRule, PresentRule
from tcclient.storage.installation import Identity

KEY = "0123abcd"
OURS = Ownership(Identity("0123456789ab", KEY, frozenset({KEY})))
PREFIX = f"tcc:0123456789ab.{KEY}:"
DELAY = 20.0


@attrs.define
class Failing:
    """How the next requests fail: those by `kinds`, `times` times."""

    kinds: tuple[str, ...]
    refusal: Refusal
    times: int
    done: bool = False


class XRules:
    """
    The other side of a RuleApi, without a network: see Api.  Requests are answered at once, but
    where the test says otherwise; `asked` has the kind of each one: read, try, add, delete.
    `ours` tells our rules from others; `doomed` has the ids in a request to delete that has not
    been answered, `stays` those that X does not delete, although it answers as if it had been asked
    well.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.ours = OURS
        self.rules: dict[str, PresentRule] = {}
        self.since: dict[str, float] = {}
        self.asked: list[str] = []
        self.doomed: set[str] = set()
        self.stays: set[str] = set()
        self.cap = 1000
        self.slow: float | None = None
        self.bad: dict[str, str] = {}
        self.refuses: Callable[[str], str | None] = lambda value: None
        self.before: Callable[[str], None] = lambda kind: None
        self._failing: list[Failing] = []
        self._holding: set[str] = set()
        self._held: list[Deferred[None]] = []
        self._last = 100

    # What the test says.

    def has(self, value: str, tag: str | None = None, job: int | None = None) -> str:
        """There is such a rule, since long; returns its id."""
        tag = f"{PREFIX}{job}" if job is not None else tag
        return self._create(value, tag, self.clock.seconds() - 10 * DELAY).id

    def loses(self, *ids: str) -> None:
        """Somebody else deletes rules."""
        for id in ids:
            del self.rules[id], self.since[id]

    def fails(
        self,
        *kinds: str,
        trouble: Trouble = Trouble.NETWORK,
        times: int = 1000,
        at_least: float = 0.0,
        done: bool = False,
    ) -> None:
        """From now on such requests (all, if none are named) fail; `done`: X does them though."""
        refusal = Refusal(trouble, "Advice.", "so it is", at_least)
        self._failing.append(Failing(kinds, refusal, times, done))

    def recovers(self) -> None:
        """Nothing fails any more."""
        self._failing.clear()

    def holds(self, *kinds: str) -> None:
        """From now on such requests wait for the test (all, if none are named)."""
        self._holding = set(kinds) or {"read", "try", "add", "delete"}

    def answers(self) -> None:
        """The oldest request that waits is done and answered."""
        self._held.pop(0).callback(None)

    def lets_go(self) -> None:
        """Nothing waits any more."""
        self._holding.clear()
        while self._held:
            self.answers()

    # What the test asks.

    @property
    def waiting(self) -> int:
        """How many requests wait for the test."""
        return len(self._held)

    def values(self, job: int | None = None) -> list[str]:
        """The values of all rules, or those of a job."""
        return sorted(
            rule.value
            for rule in self.rules.values()
            if job is None or self.ours.job_of(rule.tag) == job
        )

    def working(self, job: int) -> list[PresentRule]:
        """A job's rules that work by now."""
        now = self.clock.seconds()
        return [
            rule
            for rule in self.rules.values()
            if self.ours.job_of(rule.tag) == job and self.since[rule.id] + DELAY <= now
        ]

    # What it is asked for.

    async def read(self) -> tuple[PresentRule, ...]:
        return await self._serve("read", lambda: tuple(self.rules.values()))

    async def attempt(self, rules: Sequence[NewRule]) -> dict[str, str]:
        if not rules:
            return {}
        return await self._serve("try", lambda: self._refused(rules))

    async def add(self, rules: Sequence[NewRule]) -> Added:
        return await self._serve("add", lambda: self._add(rules))

    async def delete(self, ids: Sequence[str]) -> bool:
        def act() -> bool:
            for id in set(ids) - self.stays:
                self.rules.pop(id, None)
                self.since.pop(id, None)
            return not self.stays & set(ids)

        self.doomed |= set(ids)
        try:
            return bool(await self._serve("delete", act))
        finally:
            self.doomed -= set(ids)

    async def _serve(self, kind: str, act: Callable[[], Any]) -> Any:
        self.asked.append(kind)
        self.before(kind)
        if self.slow is not None:
            await deferLater(self.clock, self.slow)
        if kind in self._holding:
            held: Deferred[None] = Deferred(self._held.remove)
            self._held.append(held)
            await held
        for failing in self._failing:
            if failing.times and (kind in failing.kinds or not failing.kinds):
                failing.times -= 1
                if failing.done:
                    act()
                raise RuleError(f"the {kind} request failed", failing.refusal)
        return act()

    def _refused(self, rules: Sequence[NewRule]) -> dict[str, str]:
        if len(self.rules) + len(rules) > self.cap:
            raise NoRoom("the answer was 422", Refusal(Trouble.HTTP, "", "the cap is reached"))
        found = {}
        for rule in rules:
            reason = self.refuses(rule.value)
            words = rule.value.replace("(", " ").replace(")", " ").split()
            reason = reason or next((self.bad[word] for word in words if word in self.bad), None)
            if reason:
                found[rule.value] = reason
        return found

    def _add(self, rules: Sequence[NewRule]) -> Added:
        refused = self._refused(rules)
        if refused:
            return Added((), refused)
        taken = {rule.value for rule in self.rules.values()}
        new = [rule for rule in rules if rule.value not in taken]
        now = self.clock.seconds()
        known = tuple(rule.value for rule in rules if rule.value in taken)
        return Added(tuple(self._create(rule.value, rule.tag, now) for rule in new), {}, known)

    def _create(self, value: str, tag: str | None, since: float) -> PresentRule:
        self._last += 1
        rule = PresentRule(str(self._last), value, tag)
        self.rules[rule.id] = rule
        self.since[rule.id] = since
        return rule


class Api(RuleApi):
    """A RuleApi that asks an XRules."""

    def __init__(self, x: XRules) -> None:
        self._x = x

    async def rules(self) -> tuple[PresentRule, ...]:
        """Return all rules that there are."""
        return await self._x.read()

    async def attempt(self, rules: Sequence[NewRule]) -> dict[str, str]:
        """Return the reasons for those that would be refused."""
        return await self._x.attempt(rules)

    async def add(self, rules: Sequence[NewRule]) -> Added:
        """Add them."""
        return await self._x.add(rules)

    async def delete(self, ids: Sequence[str]) -> bool:
        """Delete them."""
        return await self._x.delete(ids)
