"""
The researcher's keyword text -> a query, and the terms that cannot be used, with the reason.

Knows the syntax of the text and how limits are counted; knows no endpoint and no wire format.
"""

import re
from typing import Protocol, TypeVar

import attrs

from tcclient.ledger import entries

T = TypeVar("T")

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)")
_CORNERS = 4
"""The numbers of a box: two longitudes and two latitudes."""


@attrs.frozen
class Box:
    """A bounding box in degrees, its south-west corner first."""

    west: float
    south: float
    east: float
    north: float


@attrs.frozen
class Limits:
    """What a source accepts: number of phrases, UTF-8 bytes of each, number of boxes, box sides."""

    phrases: int
    phrase_bytes: int
    boxes: int
    box_degrees: tuple[float, float]


@attrs.frozen
class Query:
    """What to ask the stream for; with neither phrases nor boxes it is the sample stream."""

    track: tuple[str, ...] = ()
    locations: tuple[Box, ...] = ()

    @property
    def is_sample(self) -> bool:
        return not (self.track or self.locations)

    def __str__(self) -> str:
        """A clause for the log: how much is asked for."""
        if self.is_sample:
            return "the sample of all posts"
        counts = ((len(self.track), "term", "terms"), (len(self.locations), "box", "boxes"))
        return " and ".join(f"{n} {one if n == 1 else many}" for n, one, many in counts if n)

    def for_ledger(self) -> entries.Asked:
        """The query as a ledger has it."""
        return entries.Asked(
            self.track, tuple((box.west, box.south, box.east, box.north) for box in self.locations)
        )

    def same_as(self, other: "Query | None") -> bool:
        """Whether both ask for the same posts: order does not matter."""
        return other is not None and (set(self.track), set(self.locations)) == (
            set(other.track),
            set(other.locations),
        )


@attrs.frozen
class Refused:
    """A term that is left out, and why: a clause that follows the term in a sentence."""

    term: str
    reason: str


class Asked(Protocol):
    """What a keyword text asks a source for."""

    def for_ledger(self) -> entries.Asked:
        """It, as a ledger has it."""


@attrs.frozen
class Understood:
    """
    How a feed understood a keyword text.  `asked` is None where no term of it can be used; that is
    never the sample stream.  `is_in_force`: posts come for it already, as it asks for the same.
    """

    asked: Asked | None
    refused: tuple[Refused, ...] = ()
    is_in_force: bool = False


@attrs.frozen
class Reading:
    """
    A keyword text as it will be used.  `query` is None when no term of the text can be used;
    it is then never the sample stream.
    """

    query: Query | None
    refused: tuple[Refused, ...] = ()


def read(text: str | None, limits: Limits) -> Reading:
    """
    Commas separate terms; the words of a term must all occur; `geo:` begins a box of four numbers,
    with blanks or commas between them.
    No text, or a blank one, asks for the sample stream.
    """
    if text is None or not text.strip():
        return Reading(Query())
    track: list[str] = []
    boxes: list[Box] = []
    refused: list[Refused] = []
    for term in split_terms(text):
        try:
            if is_box(term):
                _add(boxes, parse_box(term, limits.box_degrees), limits.boxes, "boxes")
            else:
                _add(track, _phrase(term, limits), limits.phrases, "phrases")
        except ValueError as e:
            refused.append(Refused(term, str(e)))
    if not track and not boxes:
        query = None
        refused = refused or [Refused(text.strip(), "there is no term between the commas")]
    else:
        query = Query(tuple(track), tuple(boxes))
    return Reading(query, tuple(refused))


def split_terms(text: str) -> list[str]:
    """
    The terms between the commas, each once, with one blank between its words.

    A `geo:` of fewer than four words takes on the terms behind it that are nothing but numbers,
    until it has four: keywords they would be by mistake only.  Once it has more (`geo: 7,5 51,2`,
    where commas are decimal points), it takes on all.
    """
    terms: list[list[str]] = []
    words = _CORNERS  # of the box that is being read
    for piece in filter(None, (" ".join(piece.split()) for piece in text.split(","))):
        if words != _CORNERS and all(map(_NUMBER.fullmatch, piece.split())):
            terms[-1].append(piece)
            words += len(piece.split())
        else:
            terms.append([piece])
            words = len(_corners(piece)) if is_box(piece) else _CORNERS
    return list(dict.fromkeys(map(", ".join, terms)))


def is_box(term: str) -> bool:
    """Whether a term is meant as a bounding box; it need not be a valid one."""
    return term[:4].lower() == "geo:"


def _corners(term: str) -> list[str]:
    """What should be the four numbers of a box.  Without commas, words behind them may name it."""
    words = term[len("geo:") :].replace(",", " ").split()
    return words if "," in term else words[:_CORNERS]


def _add(found: list[T], item: T, limit: int, what: str) -> None:
    if item in found:
        return
    if len(found) >= limit:
        raise ValueError(f"no more than {limit} {what} are accepted")
    found.append(item)


def utf8_size(term: str) -> int:
    """Bytes of UTF-8.  Raises ValueError, with a reason, for what no source can be sent."""
    if "\0" in term:
        raise ValueError("it contains a NUL character")
    try:
        return len(term.encode())
    except UnicodeEncodeError:
        raise ValueError("it contains half a character (a lone surrogate)") from None


def _phrase(term: str, limits: Limits) -> str:
    size = utf8_size(term)
    if size > limits.phrase_bytes:
        raise ValueError(
            f"it has {size} bytes of UTF-8, and at most {limits.phrase_bytes} are accepted"
        )
    return term


def parse_box(term: str, degrees: tuple[float, float]) -> Box:
    """
    The box that a term beginning with `geo:` gives, its sides from the least to the most degrees.
    Raises ValueError, with the reason, for anything that is no box.
    """
    corners = _corners(term)
    if len(corners) != _CORNERS or not all(map(_NUMBER.fullmatch, corners)):
        raise ValueError(
            "geo: takes four numbers, with a point for decimals: longitude latitude twice"
        )
    lon1, lat1, lon2, lat2 = map(float, corners)
    if not all(-180 <= lon <= 180 for lon in (lon1, lon2)):
        raise ValueError("a longitude lies between -180 and 180 (longitude comes first)")
    if not all(-90 <= lat <= 90 for lat in (lat1, lat2)):
        raise ValueError("a latitude lies between -90 and 90 (longitude comes first)")
    if lon1 - lon2 > 180:
        # Corners may come in any order, but sorted these would span the wrong side of the globe.
        raise ValueError("a box cannot cross the antimeridian: give one box on each side of it")
    box = Box(min(lon1, lon2), min(lat1, lat2), max(lon1, lon2), max(lat1, lat2))
    least, most = degrees
    for side in (box.east - box.west, box.north - box.south):
        if not least <= round(side, 6) <= most:
            raise ValueError(f"the sides of a box are {least:g} to {most:g} degrees long")
    return box
