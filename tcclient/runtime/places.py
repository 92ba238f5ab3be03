"""
Places in the settings, and how a sentence names them and what was found there.

Knows JSON paths; knows no key.
"""

import json
import re

Where = tuple[str | int, ...]
"""A place in a document: the keys and indices that lead there; () is the whole document."""

MAX_SHOWN = 40  # characters of a key or a value that a sentence repeats

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Fault(Exception):
    """Something is wrong at one place.  str() is the sentence without the file's name."""

    def __init__(self, where: Where, sentence: str) -> None:
        super().__init__(f"{json_path(where)} {sentence}")


def json_path(where: Where) -> str:
    """Return the place as people write it: `$.server.base_url`, `$.list[2]`, `$["odd key"]`."""
    return "$" + "".join(_step(step) for step in where)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if len(step) <= MAX_SHOWN and _NAME.fullmatch(step):
        return f".{step}"
    return f"[{shown(step)}]"


def shown(value: object) -> str:
    """Return a value for a sentence: one line of ASCII, cut to a bearable length."""
    if isinstance(value, str):
        return json.dumps(value[:MAX_SHOWN]) + ("..." if len(value) > MAX_SHOWN else "")
    if value is None or isinstance(value, bool | float):
        return json.dumps(value)
    if isinstance(value, int):
        digits = str(value)
        return digits[:MAX_SHOWN] + ("..." if len(digits) > MAX_SHOWN else "")
    return kind(value)


def kind(value: object) -> str:
    """Return what sort of JSON value this is, without the value: `a string`, `an object`."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return "a string"
    if isinstance(value, int | float):
        return "a number"
    return "an object" if isinstance(value, dict) else "an array"


def printable(name: object) -> str:
    """Return a file's name for a sentence: whole, with escapes for what cannot be printed."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in str(name)
    )
