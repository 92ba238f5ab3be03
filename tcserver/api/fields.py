"""
How members are read from a request, with the contract's sentences where they cannot be.  Pure.

Knows texts, numbers and moments; knows no table.  Numbers may come as text, as old clients send
them; a form has nothing but text, and "" may mean null.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any

import attrs

THOUSANDTHS = 1000
LARGEST = 2**63 - 1
ABSENT = object()
"""Stands for a member that a body lacks; null is a value."""

_NAME = re.compile(r"[0-9a-zA-Z_\- ]*")
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,40}(\.0*)?\s*")
_MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})"
    r"(?::(\d{1,2})(?:\.(\d{1,6})\d{0,6})?)?(Z|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)
_WRONG_MOMENT = (
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class BadValue(Exception):
    """Raised where a value cannot be; `sentences` say why."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(*sentences)
        self.sentences = list(sentences)


@attrs.frozen
class SentMembers:
    """The members of a request, and whether they came as a form."""

    values: Mapping[str, Any]
    form: bool = False


@attrs.frozen
class MemberField:
    """One member: how it is read, and whether it may be null or left out."""

    parse: Callable[[Any], Any]
    nullable: bool = True
    required: bool = False

    def read(self, body: SentMembers, name: str, partial: bool) -> Any:
        """Return the value to store, or ABSENT where none is told.  Raises BadValue."""
        value = body.values.get(name, ABSENT)
        if value is ABSENT:
            if self.required and not partial:
                raise BadValue("This field is required.")
            return ABSENT
        if body.form and value == "" and self.nullable:
            return None
        if value is None:
            if not self.nullable:
                raise BadValue("This field may not be null.")
            return None
        return self.parse(value)


def read_members(
    fields: Mapping[str, MemberField], body: SentMembers, partial: bool
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the members that are told, and the sentences on each that cannot be."""
    values: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name, field in fields.items():
        try:
            value = field.read(body, name, partial)
        except BadValue as e:
            errors[name] = e.sentences
        else:
            if value is not ABSENT:
                values[name] = value
    return values, errors


def text(value: Any) -> str:
    """Return trimmed text.  Raises BadValue for blank text and for what is no text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadValue("Not a valid string.")
    trimmed = str(value).strip()
    if not trimmed:
        raise BadValue("This field may not be blank.")
    if _UNSTORABLE.search(trimmed):
        raise BadValue("Null characters are not allowed.")
    return trimmed


def job_name(value: Any) -> str:
    """Return the name of a capture.  Raises BadValue with every reason why it cannot be one."""
    name = text(value)
    sentences = []
    if not _NAME.fullmatch(name):
        sentences.append("Only alphanumeric characters, spaces, and _ and - are allowed.")
    if len(name) > 64:
        sentences.append("Ensure this field has no more than 64 characters.")
    if sentences:
        raise BadValue(*sentences)
    return name


def status(value: Any) -> int:
    """Return a status from 0 to 5, from a number or its text.  Raises BadValue."""
    if str(value) not in {"0", "1", "2", "3", "4", "5"}:
        raise BadValue(f'"{str(value)[:100]}" is not a valid choice.')
    return int(value)


def whole_number(value: Any) -> int:
    """Return an integer of 64 bits, also from text and from 10.0.  Raises BadValue."""
    if type(value) is not int:
        if not isinstance(value, str | float) or not _WHOLE.fullmatch(str(value)):
            raise BadValue("A valid integer is required.")
        value = int(str(value).partition(".")[0])
    if value > LARGEST:
        raise BadValue(f"Ensure this value is less than or equal to {LARGEST}.")
    if value < -LARGEST - 1:
        raise BadValue(f"Ensure this value is greater than or equal to {-LARGEST - 1}.")
    number: int = value
    return number


def rate(value: Any) -> int:
    """
    Return thousandths of posts a second from a decimal with at most 5 digits before the point and 3
    behind it.  Raises BadValue.
    """
    given = f"{value:.12g}" if type(value) is float else str(value).strip()
    if len(given) > 1000 or "_" in given or isinstance(value, bool | list | dict):
        raise BadValue("A valid number is required.")
    try:
        number = Decimal(given)
    except InvalidOperation:
        raise BadValue("A valid number is required.") from None
    if not number.is_finite():
        raise BadValue("A valid number is required.")
    total, whole, places = _precision(number)
    if total > 8:
        raise BadValue("Ensure that there are no more than 8 digits in total.")
    if places > 3:
        raise BadValue("Ensure that there are no more than 3 decimal places.")
    if whole > 5:
        raise BadValue("Ensure that there are no more than 5 digits before the decimal point.")
    return int(number * THOUSANDTHS)


def moment(value: Any) -> datetime:
    """Return a time, in UTC without a zone.  Raises BadValue, also for a bare date."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise BadValue(_WRONG_MOMENT)
    *numbers, fraction, zone = found.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    micro = int((fraction or "").ljust(6, "0"))
    try:
        told = datetime(year, month, day, hour, minute, second, micro, tzinfo=_zone(zone))
        return told.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue(_WRONG_MOMENT) from None


def row_id(value: Any) -> int:
    """Return the number of a row, which need not exist, from a number or its text."""
    if value == "":
        raise BadValue("This field may not be null.")
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,40}\s*", value):
        value = int(value)
    if type(value) is not int:
        kind = {str: "str", bool: "bool", float: "float", list: "list"}.get(type(value), "dict")
        raise BadValue(f"Incorrect type. Expected pk value, received {kind}.")
    if abs(value) > LARGEST:
        raise BadValue(f'Invalid pk "{value}" - object does not exist.')
    number: int = value
    return number


def written_rate(value: int | None) -> str | None:
    """Return thousandths as text that always has three decimals: "1.500"."""
    if value is None:
        return None
    whole, rest = divmod(abs(value), THOUSANDTHS)
    return f"{'-' if value < 0 else ''}{whole}.{rest:03d}"


def _precision(number: Decimal) -> tuple[int, int, int]:
    """Return how many digits there are in all, before and behind the point."""
    _, digits, exponent = number.as_tuple()
    places = -int(exponent)
    if places <= 0:
        return len(digits) - places, len(digits) - places, 0
    if len(digits) > places:
        return len(digits), len(digits) - places, places
    return places, 0, places


def _zone(given: str | None) -> timezone:
    if given is None or given == "Z":
        return UTC
    minutes = int(given[1:3]) * 60 + int(given[-2:] if len(given) > 3 else 0)
    return timezone(timedelta(minutes=minutes if given[0] == "+" else -minutes))
