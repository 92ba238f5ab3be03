"""
A keyword text as a query of v1.1: `track` and `locations`, within the limits of that API.

Knows what v1.1 accepts; knows no address and no request.
"""

import re
from typing import TypeVar

from msgspec import Struct

from tcclient.ledger.entries import Asked, RefusedTerm
from tcclient.sources.doubts import TermSyntax
from tcclient.sources.keywords import QUOTATION_MARKS, Box, is_box, parse_box, terms_of, utf8_size

T = TypeVar("T")

_QUOTES = re.compile(f"[{QUOTATION_MARKS}]")

SYNTAX = TermSyntax(prefix="", phrases=False)
"""All of a term are words."""


class Limits(Struct, frozen=True):
    """
    What v1.1 accepts: the number of phrases, the bytes of UTF-8 in each, the number of boxes, and
    the least and greatest length of a box's side in degrees.
    """

    phrases: int
    phrase_bytes: int
    boxes: int
    box_degrees: tuple[float, float]


LIMITS = Limits(phrases=400, phrase_bytes=60, boxes=25, box_degrees=(0.1, 360.0))
"""The limits that Twitter's page "Basic stream parameters" gives."""


class Query(Struct, frozen=True):
    """What to ask the stream for.  Without phrases and boxes it is the sample of all posts."""

    track: tuple[str, ...] = ()
    locations: tuple[Box, ...] = ()

    @property
    def is_sample(self) -> bool:
        """Whether the sample of all posts is asked for."""
        return not (self.track or self.locations)

    def __str__(self) -> str:
        """Return a clause for the log: how much is asked for."""
        if self.is_sample:
            return "the sample of all posts"
        counts = ((len(self.track), "term", "terms"), (len(self.locations), "box", "boxes"))
        return " and ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n)

    def for_ledger(self) -> Asked:
        """Return the query as it stands in the ledger; {} for the sample."""
        boxes = [[box.west, box.south, box.east, box.north] for box in self.locations]
        found: Asked = {"track": list(self.track), "locations": boxes}
        return {name: values for name, values in found.items() if values}

    def same_as(self, other: "Query | None") -> bool:
        """Return whether both queries ask for the same posts, in whatever order."""
        return other is not None and (set(self.track), set(self.locations)) == (
            set(other.track),
            set(other.locations),
        )


class KeywordReading(Struct, frozen=True):
    """
    How a keyword text is understood.  `query` is None where no term of the text can be used, which
    is never the sample of all posts; `refused` are the terms that are left out.
    """

    query: Query | None
    refused: tuple[RefusedTerm, ...] = ()


def read(text: str | None, limits: Limits) -> KeywordReading:
    """
    Return what a keyword text asks for.

    Commas separate terms; the words of a term must all occur; `geo:` begins a box of four numbers,
    with blanks or commas between them.  No text, or a blank one, asks for the sample stream.
    """
    if text is None or not text.strip():
        return KeywordReading(Query())
    track: dict[str, None] = {}
    boxes: dict[Box, None] = {}
    terms, refused = terms_of(text)
    for term in terms:
        try:
            if is_box(term):
                _add(boxes, parse_box(term, limits.box_degrees), limits.boxes, "boxes")
            else:
                _add(track, phrase(term, limits), limits.phrases, "phrases")
        except ValueError as e:
            refused.append(RefusedTerm(term, str(e)))
    if not track and not boxes:
        return KeywordReading(None, tuple(refused))
    return KeywordReading(Query(tuple(track), tuple(boxes)), tuple(refused))


def _add(found: dict[T, None], item: T, limit: int, what: str) -> None:
    """Add an item that is not there yet.  Raises ValueError, with a reason, beyond the limit."""
    if item in found:
        return
    if len(found) >= limit:
        raise ValueError(f"no more than {limit} {what} are accepted")
    found[item] = None


def phrase(term: str, limits: Limits) -> str:
    """
    Return the term as a phrase of `track`, which knows no quotation marks.  Raises ValueError, with
    a reason, for one that is too long or nothing else.
    """
    term = " ".join(_QUOTES.sub(" ", term).split())
    if not term:
        raise ValueError("there is nothing in the quotation marks")
    size = utf8_size(term)
    if size > limits.phrase_bytes:
        raise ValueError(
            f"it has {size} bytes of UTF-8, and at most {limits.phrase_bytes} are accepted"
        )
    return term
