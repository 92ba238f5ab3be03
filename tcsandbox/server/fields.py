"""
What the capture server accepts as the value of a member, and how it writes one out.

Knows texts, numbers and moments, and the sentences with which they are refused; knows no jobs and
no requests.  The server runs on Python 2 and Django REST framework 3.4, whose rules these are, down
to the twelve digits that Python 2 gives a float.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Final

import attrs
import msgspec

RATE_DIGITS: Final = 8
RATE_PLACES: Final = 3
ABSENT: Final = msgspec.UNSET  # stands for a member that a body lacks; null is a value
MYSQL_INTEGERS: Final = (-(2**31), 2**31 - 1)

_MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})"
    r"(?::(\d{1,2})(?:\.(\d{1,6})\d{0,6})?)?(Z|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)
_WRONG_MOMENT = (
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
)


class Invalid(Exception):
    """Raised when a value is refused; `messages` are the server's sentences, one or more."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = list(messages)


@attrs.frozen
class RequestBody:
    """The members of a request body.  In a form every value is text, and "" may mean null."""

    values: Mapping[str, object]
    form: bool = False


@attrs.frozen
class Field:
    """One member: how a given value is read, and whether it may be null or left out."""

    parse: Callable[[object], object]
    nullable: bool = True
    required: bool = False

    def read(self, body: RequestBody, name: str, partial: bool) -> object:
        """Return the value to store, or ABSENT to leave the stored one alone; raise Invalid."""
        value = body.values.get(name, ABSENT)
        if value is ABSENT:
            if self.required and not partial:
                raise Invalid("This field is required.")
            return ABSENT
        if body.form and value == "":
            if not self.nullable and not self.required:
                return ABSENT
            value = None if self.nullable else ""
        if value is None:
            if not self.nullable:
                raise Invalid("This field may not be null.")
            return None
        return self.parse(value)


def text(value: object) -> str:
    """Return `value` as trimmed text; raise Invalid for blank text and for what is no text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Invalid("Not a valid string.")
    trimmed = _python2_text(value).strip()
    if not trimmed:
        raise Invalid("This field may not be blank.")
    return trimmed


def job_name(value: object) -> str:
    """Return `value` as the name of a job; raise Invalid with every reason why it cannot be."""
    name = text(value)
    messages = []
    if not re.fullmatch(r"[0-9a-zA-Z_\- ]*", name):
        messages.append("Only alphanumeric characters, spaces, and _ and - are allowed.")
    if len(name) > 64:
        messages.append("Ensure this field has no more than 64 characters.")
    if messages:
        raise Invalid(*messages)
    return name


def status(value: object) -> int:
    """Return `value`, a number or its text, as a status from 0 to 5; raise Invalid."""
    given = _python2_text(value)
    if given not in {"0", "1", "2", "3", "4", "5"}:
        raise Invalid(f'"{given}" is not a valid choice.')
    return int(given)


def whole_number(value: object) -> int:
    """Return `value` as an integer of any size, also from text and from 10.0; raise Invalid."""
    given = re.sub(r"\.0*\s*$", "", _python2_text(value))
    if not re.fullmatch(r"\s*[+-]?\d+\s*", given, re.ASCII):
        raise Invalid("A valid integer is required.")
    return int(given)


def mysql_number(value: object) -> int:
    """Return `value` as an integer that fits MySQL's column; raise Invalid."""
    number = whole_number(value)
    low, high = MYSQL_INTEGERS
    if number > high:
        raise Invalid(f"Ensure this value is less than or equal to {high}.")
    if number < low:
        raise Invalid(f"Ensure this value is greater than or equal to {low}.")
    return number


def rate(value: object) -> Decimal:
    """Return a decimal of at most 8 digits, 3 of them behind the point; raise Invalid."""
    given = _python2_text(value).strip()
    try:
        # Python 2 does not read digits grouped by underscores.
        number = Decimal(given if "_" not in given else "")
    except InvalidOperation:
        raise Invalid("A valid number is required.") from None
    if not number.is_finite():
        raise Invalid("A valid number is required.")
    total, whole, places = _precision(number)
    if total > RATE_DIGITS:
        raise Invalid(f"Ensure that there are no more than {RATE_DIGITS} digits in total.")
    if places > RATE_PLACES:
        raise Invalid(f"Ensure that there are no more than {RATE_PLACES} decimal places.")
    if whole > RATE_DIGITS - RATE_PLACES:
        most = RATE_DIGITS - RATE_PLACES
        raise Invalid(f"Ensure that there are no more than {most} digits before the decimal point.")
    return number


def moment(value: object) -> datetime:
    """Return `value` as a time, in UTC without a zone; raise Invalid, also for a bare date."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Invalid(_WRONG_MOMENT)
    *numbers, fraction, zone = found.groups()
    microseconds = (fraction or "").ljust(6, "0")
    try:
        parts = [int(number or 0) for number in (*numbers, microseconds)]
        return datetime(*parts, tzinfo=_zone(zone)).astimezone(UTC)  # type: ignore[misc,arg-type]  # six numbers, and microseconds
    except (ValueError, OverflowError):
        raise Invalid(_WRONG_MOMENT) from None


def row_id(value: object) -> int:
    """Return the key of a row, which need not exist, from a number or its text; raise Invalid."""
    if value == "":
        raise Invalid("This field may not be null.")
    try:
        return int(value)  # type: ignore[call-overload,no-any-return]  # tried as the server does
    except (TypeError, ValueError, OverflowError):
        kind = "unicode" if isinstance(value, str) else type(value).__name__
        raise Invalid(f"Incorrect type. Expected pk value, received {kind}.") from None


def written_rate(value: Decimal | None) -> str | None:
    """Return `value` as text that always has three decimals: "1.500"."""
    return None if value is None else f"{value:.{RATE_PLACES}f}"


def written_moment(value: datetime) -> str:
    """Return `value` as ISO 8601 in UTC, with six digits of fraction or, if they are zero, none."""
    return value.replace(tzinfo=None).isoformat() + "Z"


def _python2_text(value: object) -> str:
    """Return `value` as Python 2 writes it."""
    if not isinstance(value, float):
        return str(value)
    short = f"{value:.12g}"
    return short if re.search("[.en]", short) else short + ".0"


def _precision(number: Decimal) -> tuple[int, int, int]:
    """Return the digits in total, before and behind the point, counted the framework's way."""
    _sign, digits, exponent = number.as_tuple()
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
