"""
The clauses of a rule: whether a post matches each, and what a post would need to match it.

Pure.  `matches` takes the Facts of a post; `require` notes in a PostRequirements what a writer
should put in.  That is no promise: what was written is matched like anything else.
"""

import math
from abc import ABC, abstractmethod
from collections import Counter
from random import Random

import attrs

from tcsandbox.twitter.common.writing import Corners
from tcsandbox.twitter.v2.facts import Facts

MILES_A_DEGREE = 69.17


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
class NearClause(RuleClause):
    """Matches words in any order, at most `apart` others between them; `text` is as written."""

    text: str
    words: tuple[str, ...]
    apart: int

    def matches(self, facts: Facts) -> bool:
        found = facts.line.split()
        most = len(self.words) + self.apart
        wanted = Counter(self.words)
        return any(wanted <= Counter(found[at : at + most]) for at in range(len(found)))

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.pieces.append(self.text)


@attrs.frozen
class EntityClause(RuleClause):
    """Matches a post with this #hashtag, @mention or $cashtag, in any case."""

    text: str

    def matches(self, facts: Facts) -> bool:
        return self.text.lower() in facts.labels

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.pieces.append(self.text)


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
class AddressClause(RuleClause):
    """Matches a part of the address that a link leads to, letter by letter, in any case."""

    text: str

    def matches(self, facts: Facts) -> bool:
        return any(self.text.lower() in address for address in facts.addresses)

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.links.append(self.text)


@attrs.frozen
class LabelClause(RuleClause):
    """Matches a post of which `operator`:`value` is true, in any case, such as from:ann."""

    operator: str
    value: str

    def matches(self, facts: Facts) -> bool:
        return f"{self.operator}:{self.value}".lower() in facts.labels

    def require(self, needs: PostRequirements, rng: Random) -> None:
        """Note what the operator says; of one that is true of no simulated post nothing is."""
        match self.operator:
            case "from":
                needs.author = self.value
            case "to":
                needs.replied_to = self.value
                needs.kinds.add("reply")
            case "retweets_of":
                needs.retweeted = self.value
                needs.kinds.add("retweet")
            case "lang":
                needs.lang = self.value
            case "is":
                needs.kinds.add(self.value)
            case "has":
                needs.has.add(self.value)
            case "place_country":
                needs.country = self.value.upper()


@attrs.frozen
class BoundingBoxClause(RuleClause):
    """Matches a post whose point, or the whole of whose place, is within `corners`."""

    corners: Corners

    def matches(self, facts: Facts) -> bool:
        west, south, east, north = self.corners
        return any(
            west <= w and e <= east and south <= s and n <= north for w, s, e, n in facts.boxes
        )

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.box = self.corners


@attrs.frozen
class RadiusClause(RuleClause):
    """Matches a post within `miles` of a point; of a place, the farthest corner counts."""

    longitude: float
    latitude: float
    miles: float

    def matches(self, facts: Facts) -> bool:
        return any(
            max(self._distance(x, y) for x in (w, e) for y in (s, n)) <= self.miles
            for w, s, e, n in facts.boxes
        )

    def require(self, needs: PostRequirements, rng: Random) -> None:
        north = self.miles / MILES_A_DEGREE / 2
        east = north / max(math.cos(math.radians(self.latitude)), 0.01)
        x, y = self.longitude, self.latitude
        needs.box = (x - east, y - north, x + east, y + north)

    def _distance(self, longitude: float, latitude: float) -> float:
        # on a flat map: exact enough within the 25 miles that X allows
        narrow = math.cos(math.radians(self.latitude))
        across = (longitude - self.longitude) * narrow
        return math.hypot(across, latitude - self.latitude) * MILES_A_DEGREE


@attrs.frozen
class SampleClause(RuleClause):
    """Matches a random `percent` of all posts."""

    percent: int

    def matches(self, facts: Facts) -> bool:
        return facts.draw < self.percent

    def require(self, needs: PostRequirements, rng: Random) -> None:
        needs.draw = rng.randrange(self.percent)


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
