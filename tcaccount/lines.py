"""
The lines of a ledger, oldest first, as the reader has them.

Knows what a line is and what is wrong with one; nothing of what the lines say together.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import attrs
from msgspec.structs import fields

from tcclient.ledger.entries import KINDS, Entry, Moment, read, seconds

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@attrs.frozen
class Line:
    """A line that says something: its number from 1, when (epoch seconds), of which job, what."""

    number: int
    at: float
    job: int | None
    entry: Entry


@attrs.frozen
class Unreadable:
    """A line that does not, and why: a clause that follows its number in a sentence."""

    number: int
    why: str


@attrs.frozen
class Torn:
    """The last line, still being written or cut by a crash: its bytes."""

    number: int
    bytes: int


def lines(path: Path) -> Iterator[Line | Unreadable | Torn]:
    """Each line of the ledger.  Raises OSError; no content raises anything."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            yield line(number, raw) if raw.endswith(b"\n") else Torn(number, len(raw))


def line(number: int, raw: bytes) -> Line | Unreadable:
    """One line that is whole."""
    try:
        members = json.loads(raw)
    except (ValueError, RecursionError):
        return Unreadable(number, "is not JSON")
    if not isinstance(members, dict):
        return Unreadable(number, "is not a JSON object")
    at, job, kind = (members.get(name) for name in ("at", "job", "kind"))
    when = _seconds(at)
    if when is None or not (job is None or type(job) is int):
        return Unreadable(number, "does not say when, or of which job")
    entry = read(members)
    if entry is None and not (isinstance(kind, str) and kind in KINDS):
        return Unreadable(number, f"is of no kind that is known here ({kind!r:.40})")
    if entry is None or not _are_dates(entry):
        return Unreadable(number, f"is not as a {kind!r} should be")
    return Line(number, when, job, entry)


def _moments(type_: type[Entry]) -> list[str]:
    """The members of a kind that say when."""
    return [f.name for f in fields(type_) if Moment in (f.type, *get_args(f.type))]


_MOMENTS = {type_: _moments(type_) for type_ in KINDS.values()}


def _are_dates(entry: Entry) -> bool:
    """Whether each member that says when does; the 30th of February fits the pattern."""
    said = [getattr(entry, name) for name in _MOMENTS[type(entry)]]
    return all(moment is None or _seconds(moment) is not None for moment in said)


def _seconds(text: object) -> float | None:
    """Epoch seconds of a moment as ledgers have it; None for anything else."""
    if not (isinstance(text, str) and _MOMENT.fullmatch(text)):
        return None
    try:
        return seconds(text)
    except ValueError:
        return None
