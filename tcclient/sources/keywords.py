"""
The syntax of the researcher's keyword text, which all sources share: terms, words and boxes.

Knows how a text is taken apart; which terms a source accepts is known to that source.
"""

import re

from msgspec import Struct

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_CORNERS = 4
"""How many numbers a box has: two longitudes and two latitudes."""


class Box(Struct, frozen=True):
    """A bounding box in degrees, its south-west corner first."""

    west: float
    south: float
    east: float
    north: float


def split_terms(text: str) -> list[str]:
    """
    Return the terms between the commas, each once, with one blank between its words.

    A `geo:` term of fewer than four words takes over the terms behind it that consist of numbers
    only, until it has four: hardly anybody means them as keywords.  If that makes more than four
    (`geo: 7,5 51,2`, where commas are decimal points), it takes over all such terms.
    """
    terms: list[list[str]] = []
    words = _CORNERS  # of the box that is being read
    for piece in filter(None, (" ".join(piece.split()) for piece in text.split(","))):
        if words != _CORNERS and _are_numbers(piece.split()):
            terms[-1].append(piece)
            words += len(piece.split())
        else:
            terms.append([piece])
            words = len(_corners(piece)) if is_box(piece) else _CORNERS
    return list(dict.fromkeys(map(", ".join, terms)))


def is_box(term: str) -> bool:
    """Return whether a term is meant as a bounding box, valid or not."""
    return term[:4].lower() == "geo:"


def _are_numbers(words: list[str]) -> bool:
    return all(re.fullmatch(_NUMBER, word) for word in words)


def _corners(term: str) -> list[str]:
    """
    Return the words of a box that should be its four numbers.  Without commas these are the first
    four, because the words behind them may name the box.
    """
    words = term[len("geo:") :].replace(",", " ").split()
    return words if "," in term else words[:_CORNERS]


def utf8_size(term: str) -> int:
    """
    Return the size of a term in bytes of UTF-8.  Raises ValueError, with a reason, for a term that
    no source can be sent.
    """
    if "\0" in term:
        raise ValueError("it contains a NUL character")
    try:
        return len(term.encode())
    except UnicodeEncodeError:
        raise ValueError("it contains half a character (a lone surrogate)") from None


def parse_box(term: str, degrees: tuple[float, float]) -> Box:
    """
    Return the box that a term beginning with `geo:` gives.  `degrees` are the least and the
    greatest length that a side may have.  Raises ValueError, with the reason, for anything that is
    not such a box.
    """
    corners = _corners(term)
    if len(corners) != _CORNERS or not _are_numbers(corners):
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
