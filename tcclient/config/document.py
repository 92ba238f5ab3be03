"""
Reads a JSON document from a file, and says which place of it cannot be used.

Knows JSON and bounds for its size and depth; knows no key of the settings.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tcclient.runtime.places import Fault, Where, kind

MAX_BYTES = 1 << 20  # a settings file has some two kilobytes; this keeps /dev/zero from being read
MAX_DEPTH = 32
"""Most objects and arrays around a value."""


class Unreadable(Exception):
    """Raised where there is no document at all.  str() says why, without the file's name."""


class Doubled(dict[str, Any]):
    """An object in which the key `twice` is given more than once."""

    twice: str


def is_text(text: str) -> bool:
    """Return whether `text` can be written as UTF-8; half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def children(value: object) -> Iterator[tuple[str | int, Any]]:
    """Yield each key or index of an object or array with its value; nothing for other values."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def places(value: object, where: Where = ()) -> Iterator[tuple[Where, Any]]:
    """Yield each place at or below `where`, where `value` stands, with the value that is there."""
    yield where, value
    for key, item in children(value):
        yield from places(item, (*where, key))


def read_bounded(path: Path, limit: int) -> str:
    """Return the text of a UTF-8 file of at most `limit` bytes.  Raises Unreadable."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise Unreadable("cannot be read: no file has such a name") from None
    if len(data) > limit:
        raise Unreadable(f"cannot be read: it is larger than {limit} bytes")
    try:
        return data.decode("utf-8-sig")  # some editors put a byte order mark in front
    except UnicodeDecodeError as error:
        raise Unreadable(f"must be UTF-8 text, found another byte at {error.start}") from None


def read_document(path: Path) -> dict[str, Any]:
    """
    Return the JSON object in the file.  Raises Unreadable if there is no JSON in it, and Fault if a
    place in it cannot be used: it has a key twice, a string that is no text, or too many levels.
    """
    text = read_bounded(path, MAX_BYTES)
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Unreadable(f"must be JSON, found a mistake at {place}: {error.msg}") from None
    except (RecursionError, ValueError):  # the ValueError: a number of thousands of digits
        raise Unreadable(
            "must be JSON of a bearable size, found endless nesting or digits"
        ) from None
    if not isinstance(document, dict):
        raise Fault((), f"must be an object, found {kind(document)}")
    _check(document)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, as a Doubled if a key is in it twice: its place is not known here."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            doubled = Doubled(found)
            doubled.twice = key
            return doubled
        found[key] = value
    return found


def _check(document: object) -> None:
    """Raise Fault for the first place that cannot be used."""
    for where, value in places(document):
        if len(where) > MAX_DEPTH:
            raise Fault(where, f"is nested too deeply, expected at most {MAX_DEPTH} levels")
        if isinstance(value, Doubled):
            raise Fault((*where, value.twice), "is given twice, expected once")
        texts = (text for text in (*where[-1:], value) if isinstance(text, str))
        if not all(map(is_text, texts)):
            raise Fault(where, "must be text, found half of a surrogate pair in it")
