"""
Reads single values of the settings.  Knows what each may look like; knows no file, section or key.

The function for a value takes the string of the settings and returns it in the form that the
program uses, or raises Unfit.
"""

import re
from datetime import datetime, timedelta
from pathlib import Path

from tcclient.runtime.secrets import Unfit
from tcclient.storage.slots import LONGEST_STAMP

MAX_EXTENSION = 32
RESERVED_ENDINGS = (".torn", ".ledger.jsonl")  # of what stands beside the posts
MAX_TIMEFMT = 200  # characters, so that no directive's padding can be asked for in earnest

_CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"


def folder(text: str) -> Path:
    """Return the path of a folder; a relative one stays relative."""
    if not text:
        raise Unfit("an empty string")
    if _has_control(text):
        raise Unfit("a control character in it")
    if text.startswith("~"):
        raise Unfit("a leading ~, which only a shell replaces")
    return Path(text)


def extension(text: str) -> str:
    """Return the end of a file's name: a dot and something after it."""
    if not text.startswith(".") or not text.strip("."):
        raise Unfit("no dot at its beginning" if text.strip(".") else "nothing but dots")
    if "/" in text:
        raise Unfit("a slash in it")
    if not text.isprintable() or " " in text:
        raise Unfit("white space or a control character in it")
    if len(text.encode()) > MAX_EXTENSION:
        raise Unfit(f"more than {MAX_EXTENSION} bytes")
    return text


def time_format(text: str) -> str:
    """Return a strftime format whose result can be part of a file's name."""
    if not text or len(text) > MAX_TIMEFMT:
        raise Unfit(f"more than {MAX_TIMEFMT} characters" if text else "an empty string")
    if _has_control(text):
        raise Unfit("a control character in it")
    sample = datetime(2026, 9, 30, 23, 50)  # a Wednesday in September: the longest names there are
    try:
        unknown = "%" in sample.strftime(text.replace("%%", ""))
        stamp = sample.strftime(text)
    except ValueError:  # a letter that the locale's encoding does not have, for one
        raise Unfit("one that strftime refuses") from None
    if unknown:
        raise Unfit("a % directive that strftime does not know")
    if not stamp or len(stamp.encode()) > LONGEST_STAMP:
        raise Unfit(
            f"one that gives more than {LONGEST_STAMP} bytes" if stamp else "one without result"
        )
    if "/" in stamp:
        raise Unfit("one that gives a name with a slash in it")
    if _has_control(stamp):
        raise Unfit("one that gives a name with a control character in it")
    return text


def same_stamp(text: str, minutes: int) -> str | None:
    """Return in words which two slots get the same name, None if all get different ones."""
    start = datetime(2026, 3, 4, 5, 0)
    for words, step in (
        ("two neighbouring slots", timedelta(minutes=minutes)),
        ("two neighbouring hours", timedelta(hours=1)),
        ("morning and afternoon", timedelta(hours=12)),
        ("two neighbouring days", timedelta(days=1)),
        ("the same day of two weeks", timedelta(days=7)),
        ("the same day of two months", timedelta(days=31)),
        ("the same date of two years", timedelta(days=365)),
        ("the same weekday of two years", timedelta(days=364)),
    ):
        if (start + step).strftime(text) == start.strftime(text):
            return words
    return None


def _has_control(text: str) -> bool:
    """Return whether a text has a control character, or one that ends lines."""
    return not text.isprintable() and re.search(_CONTROL, text) is not None
