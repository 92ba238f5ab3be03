"""
The rules of one app: which it has, which work at a moment, and what X says to changes.

Pure; time is a parameter.  An app holds a value once, whatever the tag: X calls the same value
under another tag a DuplicateRule and names the rule that has it.
"""

from collections.abc import Iterable, Mapping, Sequence

import attrs

from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v2 import problems
from tcsandbox.twitter.v2.clauses import RuleClause
from tcsandbox.twitter.v2.lexing import InvalidRule
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.problems import Denied
from tcsandbox.twitter.v2.rulelanguage import parse

FIRST_ID = 1_166_895_166_390_583_299
ID_STEP = 4_096


@attrs.define(eq=False)
class AppRule:
    """A rule of an app; it works from `effective` on and, once deleted, until `ends`."""

    id: str
    value: str
    tag: str | None
    clause: RuleClause
    effective: float
    ends: float | None = None

    def as_json(self) -> Json:
        """Return the rule as the rules endpoint shows it, without a tag if it has none."""
        tag = {} if self.tag is None else {"tag": self.tag}
        return {"id": self.id, "value": self.value, **tag}


@attrs.frozen
class RuleChange:
    """What a request did, or would have done: the rules, and the errors of the others."""

    rules: tuple[AppRule, ...]
    errors: tuple[Json, ...]

    @property
    def invalid(self) -> int:
        """How many of the errors are about rules that cannot be read."""
        return sum("details" in error for error in self.errors)


@attrs.define
class RuleStore:
    """The rules of an app: `present` are those that X lists; deleted ones work a while longer."""

    _scale: float = 1.0
    present: dict[str, AppRule] = attrs.Factory(dict)
    _ending: list[AppRule] = attrs.Factory(list)
    _count: int = 0

    def add(
        self, wanted: Sequence[tuple[str, str | None]], now: float, plan: Plan, dry_run: bool
    ) -> RuleChange:
        """
        Add (value, tag) pairs; raise Denied when that makes more rules than the plan has.

        A pair that cannot be read keeps all others out, unless the plan is not atomic; a duplicate
        keeps out only itself.  What X does is not documented.
        """
        rules: list[AppRule] = []
        errors: list[Json] = []
        taken: dict[str, str | None] = {_same(r.value): r.id for r in self.present.values()}
        for value, tag in wanted:
            clause = _read(value, plan, taken)
            if not isinstance(clause, RuleClause):
                errors.append(clause)
                continue
            rule_id = str(FIRST_ID + (self._count + len(rules)) * ID_STEP)
            effective = now + plan.rule_delay * self._scale
            rules.append(AppRule(rule_id, value, tag, clause, effective))
            taken[_same(value)] = None
        if len(self.present) + len(rules) > plan.rule_cap:
            raise Denied(problems.too_many_rules(plan.rule_cap))
        done = RuleChange(tuple(rules), tuple(errors))
        if done.invalid and plan.atomic:
            return attrs.evolve(done, rules=())
        if not dry_run:
            self._count += len(rules)
            self.present.update((rule.id, rule) for rule in rules)
        return done

    def delete(self, ids: Iterable[str], now: float, plan: Plan, dry_run: bool) -> RuleChange:
        """Delete the rules with these ids; an id that no rule has, or a plan keeps, is an error."""
        wanted = dict.fromkeys(ids)
        gone = [i for i in wanted if i in self.present and not plan.undeletable]
        found = [self.present[rule_id] for rule_id in gone]
        lost = [rule_id for rule_id in wanted if rule_id not in gone]
        errors = [problems.invalid("Rule does not exist", {"id": [rule_id]}) for rule_id in lost]
        delay = plan.rule_delay if plan.delete_delay is None else plan.delete_delay
        for rule in [] if dry_run else found:
            del self.present[rule.id]
            rule.ends = now + delay * self._scale
            self._ending.append(rule)
        return RuleChange(tuple(found), tuple(errors))

    def ids_of(self, values: Iterable[str]) -> list[str]:
        """Return the ids of the rules with these values; a value that no rule has stays itself."""
        by_value = {_same(rule.value): rule.id for rule in self.present.values()}
        return [by_value.get(_same(value), value) for value in values]

    def working(self, now: float) -> tuple[AppRule, ...]:
        """Return the rules that work at `now`, deleted ones that still do among them."""
        self._ending = [rule for rule in self._ending if rule.ends is None or now < rule.ends]
        everything = [*self.present.values(), *self._ending]
        return tuple(rule for rule in everything if rule.effective <= now)

    def state(self) -> list[Json]:
        """Return every rule with its times, ready for JSON; deleted ones while they still work."""
        members = ("id", "value", "tag", "effective", "ends")
        everything = [*self.present.values(), *self._ending]
        return [{name: getattr(rule, name) for name in members} for rule in everything]


def _read(value: str, plan: Plan, taken: Mapping[str, str | None]) -> RuleClause | Json:
    """Return the clause of a new rule, or X's error about it."""
    try:
        clause = parse(value, plan.rule_length, plan.box_miles)
    except InvalidRule as e:
        return problems.invalid_rule(value, e.details)
    if _same(value) in taken:
        return problems.duplicate_rule(value, taken[_same(value)])
    return clause


def _same(value: str) -> str:
    """Return what two equal values have in common, whatever their spaces."""
    return " ".join(value.split())
