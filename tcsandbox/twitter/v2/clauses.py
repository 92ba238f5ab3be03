"""
The parts of a rule: whether a post fulfils each, and what a post would need to do so.

Pure.  `matches` takes the Facts of a post; `wish` notes in a Wish what a writer should put in,
which is no promise: what was written is matched like anything else.
"""

from abc import ABC, abstractmethod
from random import Random

import attrs

from tcsandbox.twitter.v2.facts import Facts

Corners = tuple[float, float, float, float]  # west, south, east, north


@attrs.define
class Wish:
    """What a post is to have; None and empty where anything will do."""

    pieces: list[str] = attrs.Factory(list)  # words and phrases, #tags, @names, $symbols
    links: list[str] = attrs.Factory(list)
    author: str | None = None
    replied_to: str | None = None
    retweeted: str | None = None
    lang: str | None = None
    kinds: set[str] = attrs.Factory(set)  # of retweet, reply, quote
    has: set[str] = attrs.Factory(set)
    box: Corners | None = None
    country: str | None = None
    draw: int | None = None
    plain: bool = False  # nothing that is not wished for


class Clause(ABC):
    """A part of a rule."""

    @abstractmethod
    def matches(self, facts: Facts) -> bool:
        """Whether a post fulfils it."""

    def wish(self, wish: Wish, rng: Random) -> None:  # noqa: B027  # many need nothing special
        """Note one way to fulfil it."""


@attrs.frozen
class Words(Clause):
    """A word, or the words of a phrase in their order; `text` is as written."""

    text: str
    line: str  # its tokens, spaced

    @property
    def word(self) -> str | None:
        """The word, when it is only one."""
        word = self.line.strip()
        return None if " " in word else word

    def matches(self, facts: Facts) -> bool:
        return self.line in facts.line

    def wish(self, wish: Wish, rng: Random) -> None:
        wish.pieces.append(self.text)


@attrs.frozen
class Hashtag(Clause):
    name: str

    def matches(self, facts: Facts) -> bool:
        return self.name.lower() in facts.hashtags

    def wish(self, wish: Wish, rng: Random) -> None:
        wish.pieces.append(f"#{self.name}")


@attrs.frozen
class Mention(Clause):
    name: str

    def matches(self, facts: Facts) -> bool:
        return self.name.lower() in facts.mentions

    def wish(self, wish: Wish, rng: Random) -> None:
        wish.pieces.append(f"@{self.name}")


@attrs.frozen
class Cashtag(Clause):
    name: str

    def matches(self, facts: Facts) -> bool:
        return self.name.lower() in facts.cashtags

    def wish(self, wish: Wish, rng: Random) -> None:
        wish.pieces.append(f"${self.name}")


@attrs.frozen
class Url(Clause):
    """Words within the address that a link leads to."""

    text: str
    line: str

    def matches(self, facts: Facts) -> bool:
        return self.line in facts.urls

    def wish(self, wish: Wish, rng: Random) -> None:
        wish.links.append(self.text)


@attrs.frozen
class User(Clause):
    """`role` is from, to or retweets_of; `name` a username or an id."""

    role: str
    name: str

    def matches(self, facts: Facts) -> bool:
        who = {"from": facts.author, "to": facts.replied_to, "retweets_of": facts.retweeted}
        return self.name.lower() in who[self.role]

    def wish(self, wish: Wish, rng: Random) -> None:
        if self.role == "from":
            wish.author = self.name
        elif self.role == "to":
            wish.replied_to = self.name
            wish.kinds.add("reply")
        else:
            wish.retweeted = self.name
            wish.kinds.add("retweet")


@attrs.frozen
class Lang(Clause):
    code: str

    def matches(self, facts: Facts) -> bool:
        return facts.lang == self.code

    def wish(self, wish: Wish, rng: Random) -> None:
        wish.lang = self.code


@attrs.frozen
class Is(Clause):
    """retweet, reply or quote; anything else that `is:` knows is true of no simulated post."""

    kind: str

    def matches(self, facts: Facts) -> bool:
        return self.kind in facts.kinds

    def wish(self, wish: Wish, rng: Random) -> None:
        wish.kinds.add(self.kind)


@attrs.frozen
class Has(Clause):
    kind: str

    def matches(self, facts: Facts) -> bool:
        return self.kind in facts.has

    def wish(self, wish: Wish, rng: Random) -> None:
        wish.has.add(self.kind)


@attrs.frozen
class Sample(Clause):
    """A random `percent` of what else matches."""

    percent: int

    def matches(self, facts: Facts) -> bool:
        return facts.draw < self.percent

    def wish(self, wish: Wish, rng: Random) -> None:
        wish.draw = rng.randrange(self.percent)


@attrs.frozen
class Never(Clause):
    """Something that is true of no simulated post."""

    operator: str

    def matches(self, facts: Facts) -> bool:
        return False


@attrs.frozen
class Not(Clause):
    clause: Clause

    def matches(self, facts: Facts) -> bool:
        return not self.clause.matches(facts)


@attrs.frozen
class All(Clause):
    clauses: tuple[Clause, ...]

    def matches(self, facts: Facts) -> bool:
        return all(clause.matches(facts) for clause in self.clauses)

    def wish(self, wish: Wish, rng: Random) -> None:
        for clause in self.clauses:
            clause.wish(wish, rng)


@attrs.frozen
class Any(Clause):
    clauses: tuple[Clause, ...]
    # A thousand rules of a hundred words each are matched with every draft: words go by the set.
    _words: frozenset[str] = attrs.field(init=False)
    _others: tuple[Clause, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        found = {c: c.word for c in self.clauses if isinstance(c, Words) and c.word is not None}
        object.__setattr__(self, "_words", frozenset(found.values()))
        object.__setattr__(self, "_others", tuple(c for c in self.clauses if c not in found))

    def matches(self, facts: Facts) -> bool:
        if not self._words.isdisjoint(facts.words):
            return True
        return any(clause.matches(facts) for clause in self._others)

    def wish(self, wish: Wish, rng: Random) -> None:
        rng.choice(self.clauses).wish(wish, rng)
