"""
The syntax of the researcher's keyword text, which all sources share: terms, words and boxes.

Knows how a text is taken apart; which terms a source accepts is known to that source.
"""

import re
import unicodedata

from msgspec import Struct

from tcclient.ledger.entries import RefusedTerm

MOST_TEXT = 100_000
"""
Most characters of a keyword text: 10,000 terms of usual length, which the reactor can take apart
and compare with the rules that there are within 0.2 s of its time.
"""
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_CORNERS = 4
"""How many numbers a box has: two longitudes and two latitudes."""


class Box(Struct, frozen=True):
    """A bounding box in degrees, its south-west corner first."""

    west: float
    south: float
    east: float
    north: float


QUOTATION_MARKS = '"“”„‟〝〞〟＂«»'
"""The double ones; the single ones are apostrophes too."""

_INVISIBLE = (
    "[\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u202a-\\u202e"
    "\\u2060-\\u2064\\u2066-\\u206f\\ufeff]"
)
"""What is in a text that was copied from a page, and in no post beside the words."""
_JOINERS = "[\\u200c\\u200d]+"
_NEVER_JOINED = (
    "(?:ARMENIAN|BOPOMOFO|CJK|COMBINING|CYRILLIC|ETHIOPIC|GEORGIAN|GREEK|HANGUL|HEBREW|HIRAGANA"
    "|KATAKANA|LAO|LATIN|THAI) "
)
"""How the names of characters begin in scripts without joined letters."""


def cleaned(text: str) -> str:
    """Return a text as posts are written: composed (NFC), without invisible characters."""
    if text.isprintable():  # nothing of it is invisible
        return unicodedata.normalize("NFC", text)
    composed = unicodedata.normalize("NFC", re.sub(_INVISIBLE, "", text))
    return re.sub(_JOINERS, _joiners, composed)


def _joiners(found: re.Match[str]) -> str:
    """Return the joiners that were found, or nothing where they do not belong."""
    begin, end = found.span()
    beside = (found.string[max(0, begin - 1) : begin], found.string[end : end + 1])
    is_inside = all(beside) and not any(map(str.isspace, beside))
    return found[0] if is_inside and any(map(_is_joined, beside)) else ""


def _is_joined(character: str) -> bool:
    """
    Return whether a character can be joined to its neighbour: letters of Persian or Hindi, with
    their signs, and emoji, also those that this Python does not know.
    """
    name, kind = unicodedata.name(character, ""), unicodedata.category(character)
    return kind in ("Lo", "Lm", "Mn", "Mc", "So", "Sk", "Cn") and not re.match(_NEVER_JOINED, name)


def terms_of(text: str) -> tuple[list[str], list[RefusedTerm]]:
    """Return the terms of a text that is not blank, and where there are none the reason."""
    if len(text) > MOST_TEXT:
        reason = f"the keyword text has {len(text)} characters, and at most {MOST_TEXT} are taken"
        return [], [RefusedTerm(text[:60].strip() + "…", reason)]
    terms = split_terms(text)
    if not terms:
        return [], [RefusedTerm(text.strip()[:60], "there is no term between the commas")]
    return terms, []


def split_terms(text: str) -> list[str]:
    """Return the terms between the commas, each once, cleaned, with one blank between its words."""
    return list(dict.fromkeys(" ".join(term.split()) for term in written_terms(text)))


def written_terms(text: str) -> list[str]:
    """
    Return the terms between the commas, cleaned, with the blanks and line ends inside them.

    A `geo:` term of fewer than four words takes over the terms behind it that consist of numbers
    only, until it has four: hardly anybody means them as keywords.  If that makes more than four
    (`geo: 7,5 51,2`, where commas are decimal points), it takes over all such terms.
    """
    terms: list[list[str]] = []
    words = _CORNERS  # of the box that is being read
    for piece in filter(None, map(str.strip, cleaned(text).split(","))):
        if words != _CORNERS and _are_numbers(piece.split()):
            terms[-1].append(piece)
            words += len(piece.split())
        else:
            terms.append([piece])
            words = len(_corners(piece)) if is_box(piece) else _CORNERS
    return list(map(", ".join, terms))


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
