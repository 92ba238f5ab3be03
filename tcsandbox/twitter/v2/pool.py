"""
Drafts of posts that match the rules that work now, and which of the rules each draft matches.

A draft is written for a rule, or for two at once, and then matched with every rule: what is said of
it is true.  Knows nothing of ids, streams and encodings.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import attrs

from tcsandbox.twitter.v2.clauses import PostRequirements
from tcsandbox.twitter.v2.facts import Facts, facts_of
from tcsandbox.twitter.v2.posts import V2PostWriter
from tcsandbox.twitter.v2.rules import AppRule

DRAFTS = 384  # in all, where there are few rules: with fewer, the longest differ from X's
FEWEST = 2
AT_ONCE = 16  # before the first post; later ones are written while posts are taken
TRIES = 12  # to write something that matches
TOGETHER = 0.2  # of the drafts: those written for two rules


@attrs.define(eq=False)
class Draft:
    """A post still without its own id and time; `rules` are all working rules that it matches."""

    post: Any
    facts: Facts
    home: str | None  # the id of the rule it was written for
    rules: tuple[AppRule, ...] = ()


@attrs.define
class Pool:
    """The drafts for an app's search streams: each matches a rule that works."""

    _rng: Random
    drafts: list[Draft] = attrs.Factory(list)
    _rules: tuple[AppRule, ...] | None = None
    _written: Counter[str | None] = attrs.Factory(Counter)  # by rule id
    _hopeless: set[str | None] = attrs.Factory(set)

    def serve(self, rules: Sequence[AppRule], now: float) -> None:
        """Make the drafts those for `rules`; write a few more of them with each call."""
        rules = tuple(rules)
        if rules != self._rules:
            self._change(rules)
        lacking = self._lacking(rules)
        if lacking:
            at_once = AT_ONCE if not self.drafts else max(1, 8_000 // (1_000 + len(rules)))
            writer = V2PostWriter(self._rng, datetime.fromtimestamp(now, UTC))
            for rule in lacking[:at_once]:
                self._write(writer, rule)

    def _change(self, rules: tuple[AppRule, ...]) -> None:
        """Match the drafts with new rules; drop those of deleted rules or that match nothing."""
        before = self._rules or ()
        new = [rule for rule in rules if rule not in before]
        working = set(rules)
        for draft in self.drafts:
            kept = [rule for rule in draft.rules if rule in working]
            draft.rules = (*kept, *_matching(new, draft.facts))
        homes = {rule.id for rule in rules}
        self.drafts = [draft for draft in self.drafts if draft.rules and draft.home in homes]
        self._written = Counter(draft.home for draft in self.drafts)
        self._hopeless &= homes
        self._rules = rules

    def _lacking(self, rules: tuple[AppRule, ...]) -> list[AppRule]:
        """Return the rules with too few drafts, fewest first, each once for each draft it lacks."""
        quota = max(FEWEST, DRAFTS // max(len(rules), 1))
        counts, hopeless = self._written, self._hopeless
        short = [r for r in rules if counts[r.id] < quota and r.id not in hopeless]
        missing = [
            (counts[rule.id] + n, place, rule)
            for place, rule in enumerate(short)
            for n in range(quota - counts[rule.id])
        ]
        return [rule for _, _, rule in sorted(missing, key=lambda each: each[:2])]

    def _write(self, writer: V2PostWriter, rule: AppRule) -> None:
        """Write a draft for `rule`; after TRIES failures and no draft so far, give the rule up."""
        for attempt in range(TRIES):
            needs = self._needs_of(rule, attempt)
            draw = self._rng.randrange(100) if needs.draw is None else needs.draw
            post = writer.post(needs)
            facts = facts_of(post, draw)
            if rule.clause.matches(facts):
                found = tuple(_matching(self._rules or (), facts))
                self.drafts.append(Draft(post, facts, rule.id, found))
                self._written[rule.id] += 1
                return
        if not self._written[rule.id]:
            self._hopeless.add(rule.id)

    def _needs_of(self, rule: AppRule, attempt: int) -> PostRequirements:
        """Return what a post for `rule` needs, sometimes together with another rule's needs."""
        needs, rng = PostRequirements(plain=attempt > TRIES // 2), self._rng
        if not attempt and rng.random() < TOGETHER:
            rng.choice(self._rules or (rule,)).clause.require(needs, rng)
        rule.clause.require(needs, rng)
        return needs


def sample_drafts(rng: Random, now: float, count: int = DRAFTS) -> list[Draft]:
    """Return `count` drafts of nothing in particular, for the sample stream."""
    writer = V2PostWriter(rng, datetime.fromtimestamp(now, UTC))
    posts = [writer.post(PostRequirements()) for _ in range(count)]
    return [Draft(post, facts_of(post, 0), None) for post in posts]


def _matching(rules: Iterable[AppRule], facts: Facts) -> list[AppRule]:
    return [rule for rule in rules if rule.clause.matches(facts)]
