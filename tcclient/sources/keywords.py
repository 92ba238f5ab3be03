"""
The syntax of the researcher's keyword text, which all sources share: terms, words and boxes.

Knows how a text is taken apart; what a source accepts of it stands in the source's room.
"""

import re

import attrs

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


def utf8_size(term: str) -> int:
    """Bytes of UTF-8.  Raises ValueError, with a reason, for what no source can be sent."""
    if "\0" in term:
        raise ValueError("it contains a NUL character")
    try:
        return len(term.encode())
    except UnicodeEncodeError:
        raise ValueError("it contains half a character (a lone surrogate)") from None


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
