"""
Names places in the settings, and what was found there, for a sentence.

Knows JSON paths and values; knows no key.
"""

import json
import re

Where = tuple[str | int, ...]
"""A place in a document: the keys and indices that lead there; () is the whole document."""

MAX_SHOWN = 40
"""Most characters of a key or a value that a sentence repeats."""

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


class Fault(Exception):
    """Raised where one place of the settings is wrong.  str() is a sentence that begins with it."""

    def __init__(self, where: Where, sentence: str) -> None:
        super().__init__(f"{json_path(where)} {sentence}")


def json_path(where: Where) -> str:
    """Return a place as people write it: `$.server.base_url`, `$.list[2]`, `$["odd key"]`."""
    return "$" + "".join(_step(step) for step in where)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if len(step) <= MAX_SHOWN and re.fullmatch(_NAME, step):
        return f".{step}"
    return f"[{shown(step)}]"


def shown(value: object) -> str:
    """
    Return a value for a sentence: one line of ASCII, cut after MAX_SHOWN characters; of an array or
    object only its kind.
    """
    if isinstance(value, str):
        return json.dumps(value[:MAX_SHOWN]) + ("..." if len(value) > MAX_SHOWN else "")
    if value is None or isinstance(value, bool | float):
        return json.dumps(value)
    if isinstance(value, int):
        digits = str(value)
        return digits[:MAX_SHOWN] + ("..." if len(digits) > MAX_SHOWN else "")
    return kind(value)


def kind(value: object) -> str:
    """Return which kind of JSON value this is: `a string`, `an object`, `null`."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return "a string"
    if isinstance(value, int | float):
        return "a number" if isinstance(value, int) else "a fraction"
    return "an object" if isinstance(value, dict) else "an array"


def printable(name: object) -> str:
    """Return a file's whole name for a sentence, with escapes for what cannot be printed."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in str(name)
    )
