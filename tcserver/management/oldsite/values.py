"""
Values of an old site's database, whatever SQLite has let into its columns, as they may stand here.

Pure.  What cannot be stored or shown as it is becomes something that can, or None.
"""

import re
from collections.abc import Set
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

LARGEST = 2**63 - 1
LONGEST_TEXT = 100_000
LONGEST_NAME = 64
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NOT_IN_NAMES = re.compile(r"[^0-9a-zA-Z_\- ]")
_WHOLE = re.compile(r"[0-9]{1,19}(\.0*)?", re.ASCII)


def text(value: Any) -> str | None:
    """Return text that any database stores, cut where nobody has typed so much; None for NULL."""
    if value is None:
        return None
    found = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return _UNSTORABLE.sub("\ufffd", found[:LONGEST_TEXT])


def line(value: Any, length: int = LONGEST_NAME) -> str:
    """Return a name that can be printed in a line; it may be empty."""
    found = (text(value) or "")[:length]
    return "".join(one if one.isprintable() else "_" for one in found).strip()


def number(value: Any) -> int | None:
    """Return a count; None for what is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value) if abs(value) < LARGEST else -1
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value.strip().partition(".")[0])
    return value if type(value) is int and 0 <= value <= LARGEST else None


def thousandths(value: Any) -> int | None:
    """Return a rate in thousandths; None for what is none."""
    try:
        rate = Decimal(str(value)[:40])
    except InvalidOperation:
        return None
    return round(rate * 1000) if rate.is_finite() and 0 <= rate < 100_000 else None


def moment(value: Any, now: datetime) -> datetime | None:
    """Return a time, that of `now` for one that is yet to come; None for what is none."""
    try:
        found = datetime.fromisoformat(value)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(found, now)


def capture_name(value: Any, number: int) -> str:
    """Return the name of a capture, in the characters that clients make folders of."""
    name = _NOT_IN_NAMES.sub("_", text(value) or "").strip()[:LONGEST_NAME].strip()
    return name or f"capture {number}"


def free_name(name: str, taken: Set[str]) -> str:
    """Return the name, with a number if it is taken."""
    free, at = name, 1
    while free in taken:
        at += 1
        ending = f" {at}"
        free = name[: LONGEST_NAME - len(ending)] + ending
    return free
