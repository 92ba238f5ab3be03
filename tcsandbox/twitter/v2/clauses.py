"""
The clauses of a rule: whether a post matches each, and what a post would need to match it.

Pure.  `matches` takes the Facts of a post; `require` notes in a PostRequirements what a writer
should put in.  That is no promise: what was written is matched like anything else.
"""

from abc import ABC, abstractmethod
from random import Random

import attrs

from tcsandbox.twitter.v2.facts import Facts

Corners = tuple[float, float, float, float]  # west, south, east, north


@attrs.define
class PostRequirements:
    """What a post is to have, for a writer; None or empty where anything will do."""

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
    plain: bool = False  # the post has nothing but what is required


class RuleClause(ABC):
    """A part of a rule."""

    @abstractmethod
    def matches(self, facts: Facts) -> bool:
        """Return whether a post with `facts` matches."""

    def require(self, needs: PostRequirements, rng: Random) -> None:  # noqa: B027  # many need nothing special
        """Note one way to match in `needs`; by default nothing special is needed."""


@attrs.frozen
class WordsClause(RuleClause):
    """Matches a word, or the words of a phrase in their order; `text` is as written."""

    text: str
    line: str  # its tokens, spaced

    @property
    def word(self) -> str | None:
        """The word, or None for a phrase of several."""
        word = self.line.strip()
        return None if " " in word else word

    def matches(self, facts: Facts) -> bool:
        return self.line in facts.line

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.pieces.append(self.text)


@attrs.frozen
class HashtagClause(RuleClause):
    """Matches a post with the hashtag `name`, in any case."""

    name: str

    def matches(self, facts: Facts) -> bool:
        return self.name.lower() in facts.hashtags

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.pieces.append(f"#{self.name}")


@attrs.frozen
class MentionClause(RuleClause):
    """Matches a post that mentions the username `name`, in any case."""

    name: str

    def matches(self, facts: Facts) -> bool:
        return self.name.lower() in facts.mentions

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.pieces.append(f"@{self.name}")


@attrs.frozen
class CashtagClause(RuleClause):
    """Matches a post with the cashtag `name`, in any case."""

    name: str

    def matches(self, facts: Facts) -> bool:
        return self.name.lower() in facts.cashtags

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.pieces.append(f"${self.name}")


@attrs.frozen
class UrlClause(RuleClause):
    """Matches words within the address that a link leads to; `text` is as written."""

    text: str
    line: str

    def matches(self, facts: Facts) -> bool:
        return self.line in facts.urls

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.links.append(self.text)


@attrs.frozen
class UserClause(RuleClause):
    """
    Matches a post from, to or retweeting a user.

    `role` is from, to or retweets_of; `name` is a username or an id.
    """

    role: str
    name: str

    def matches(self, facts: Facts) -> bool:
        who = {"from": facts.author, "to": facts.replied_to, "retweets_of": facts.retweeted}
        return self.name.lower() in who[self.role]

    def require(self, needs: PostRequirements, rng: Random) -> None:
        if self.role == "from":
            needs.author = self.name
        elif self.role == "to":
            needs.replied_to = self.name
            needs.kinds.add("reply")
        else:
            needs.retweeted = self.name
            needs.kinds.add("retweet")


@attrs.frozen
class LangClause(RuleClause):
    """Matches a post in the language `code`."""

    code: str

    def matches(self, facts: Facts) -> bool:
        return facts.lang == self.code

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.lang = self.code


@attrs.frozen
class IsClause(RuleClause):
    """
    Matches a retweet, reply or quote.

    Anything else that `is:` knows is true of no simulated post.
    """

    kind: str

    def matches(self, facts: Facts) -> bool:
        return self.kind in facts.kinds

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.kinds.add(self.kind)


@attrs.frozen
class HasClause(RuleClause):
    """Matches a post that has something of `kind`: hashtags, links, media and so on."""

    kind: str

    def matches(self, facts: Facts) -> bool:
        return self.kind in facts.has

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.has.add(self.kind)


@attrs.frozen
class SampleClause(RuleClause):
    """Matches a random `percent` of all posts."""

    percent: int

    def matches(self, facts: Facts) -> bool:
        return facts.draw < self.percent

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.draw = rng.randrange(self.percent)


@attrs.frozen
class NeverClause(RuleClause):
    """Stands for an operator that is true of no simulated post."""

    operator: str

    def matches(self, facts: Facts) -> bool:
        return False


@attrs.frozen
class NotClause(RuleClause):
    """Matches what `clause` does not match."""

    clause: RuleClause

    def matches(self, facts: Facts) -> bool:
        return not self.clause.matches(facts)


@attrs.frozen
class AndClause(RuleClause):
    """Matches what all of `clauses` match."""

    clauses: tuple[RuleClause, ...]

    def matches(self, facts: Facts) -> bool:
        return all(clause.matches(facts) for clause in self.clauses)

    def require(self, needs: PostRequirements, rng: Random) -> None:
        for clause in self.clauses:
            clause.require(needs, rng)


@attrs.frozen
class OrClause(RuleClause):
    """Matches what one or more of `clauses` match."""

    clauses: tuple[RuleClause, ...]
    # A thousand rules of a hundred words each are matched with every draft: a set finds words fast.
    _words: frozenset[str] = attrs.field(init=False)
    _others: tuple[RuleClause, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        found = {
            c: c.word for c in self.clauses if isinstance(c, WordsClause) and c.word is not None
        }
        object.__setattr__(self, "_words", frozenset(found.values()))
        object.__setattr__(self, "_others", tuple(c for c in self.clauses if c not in found))

    def matches(self, facts: Facts) -> bool:
        if not self._words.isdisjoint(facts.words):
            return True
        return any(clause.matches(facts) for clause in self._others)

    def require(self, needs: PostRequirements, rng: Random) -> None:
        rng.choice(self.clauses).require(needs, rng)
