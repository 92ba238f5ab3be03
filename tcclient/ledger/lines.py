"""
Reads the lines of a ledger, the oldest first.

Knows what a line is, and what is wrong with one; does not know what the lines say together.
"""

import json
import re
from functools import cache
from math import isfinite
from typing import get_args

from msgspec import Struct
from msgspec.structs import fields

from tcclient.ledger.counters import NUMBERS
from tcclient.ledger.entries import MOMENT_PATTERN, Entry, Moment, seconds
from tcclient.ledger.vocabulary import Vocabulary

_MOMENT = re.compile(MOMENT_PATTERN)


class LedgerLine(Struct, frozen=True):
    """
    A line that can be read: its number, counted from 1, when it was written (epoch seconds), the id
    of the job that it is about, if any, what it says, and its size in bytes.
    """

    number: int
    at: float
    job: int | None
    entry: Entry
    bytes: int = 0


class UnreadableLine(Struct, frozen=True):
    """
    A line that cannot be read: its number, its size in bytes, and `why`, a clause that follows its
    number in a sentence.
    """

    number: int
    why: str
    bytes: int = 0


class ForeignLine(UnreadableLine, frozen=True):
    """A line of a kind that is not known here, such as one of a source, or of a newer client."""


class CutLine(Struct, frozen=True):
    """The last line, if it is still being written or was cut by a crash: its number and bytes."""

    number: int
    bytes: int


def too_long(number: int, length: int) -> UnreadableLine:
    """Return a line that has more bytes than are held in memory."""
    return UnreadableLine(number, "is longer than any line of a ledger", length)


AnyLine = LedgerLine | UnreadableLine | CutLine


def line(number: int, raw: bytes, vocabulary: Vocabulary) -> LedgerLine | UnreadableLine:
    """Return a line that has a newline, with its entry if the vocabulary has its kind."""
    try:
        members = _DECODER.decode(raw.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return UnreadableLine(number, "is not JSON", len(raw))
    if not isinstance(members, dict):
        return UnreadableLine(number, "is not a JSON object", len(raw))
    at, job, kind = (members.get(name) for name in ("at", "job", "kind"))
    when = _seconds(at)
    if when is None or not (job is None or (type(job) is int and 0 <= job < 2**63)):
        return UnreadableLine(number, "does not say when, or of which job", len(raw))
    entry = vocabulary.read(members)
    if entry is None and not (isinstance(kind, str) and kind in vocabulary.kinds):
        return ForeignLine(number, f"is of no kind that is known here ({kind!r:.40})", len(raw))
    if entry is None or not _are_dates(entry) or not _are_counters(members.get("account")):
        return UnreadableLine(number, f"is not as a {kind!r} should be", len(raw))
    return LedgerLine(number, when, job, entry, len(raw))


def _finite(text: str) -> float:
    """Return a number of JSON.  Raises ValueError if it is larger than any is."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is no number")
    return number


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)
"""Of JSON as its standard has it, without the infinities that Python writes and reads."""


@cache
def _moments(type_: type[Struct]) -> tuple[str, ...]:
    """Return the names of the members of a type that are moments."""
    return tuple(f.name for f in fields(type_) if Moment in (f.type, *get_args(f.type)))


def _are_dates(entry: Entry) -> bool:
    """Return whether each moment of an entry exists; the 30th of February fits the pattern too."""
    open_gap = getattr(entry, "open_gap", None)
    parts: list[Struct] = [entry] if open_gap is None else [entry, open_gap]
    said = [getattr(part, name) for part in parts for name in _moments(type(part))]
    return all(moment is None or _seconds(moment) is not None for moment in said)


def _are_counters(account: object) -> bool:
    """Return whether counters are complete, if there are any: one that is left out is not 0."""
    return not isinstance(account, dict) or account.keys() >= set(NUMBERS)


def _seconds(text: object) -> float | None:
    """Return the epoch seconds of a moment as ledgers have it; None for anything else."""
    if not (isinstance(text, str) and _MOMENT.fullmatch(text)):
        return None
    try:
        return seconds(text)
    except ValueError:
        return None
