"""
What the capture server accepts as the value of a member, and how it writes one out.

Knows texts, numbers and moments, and the sentences with which they are refused; knows no jobs
and no requests.  The server runs on Python 2 and Django REST framework 3.4, whose rules these
are, down to the twelve digits Python 2 gives a float.
"""

import enum
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Final

import attrs

RATE_DIGITS: Final = 8
RATE_PLACES: Final = 3
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
    """A value is refused; `messages` are the server's sentences, one or more."""

    def __init__(self, *messages: str) -> None:
        super().__init__(*messages)
        self.messages = list(messages)


class Absent(enum.Enum):
    """What stands for a member that the body does not have; null is a value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@attrs.frozen
class RequestBody:
    """The members of a request body.  In a form every value is text and "" may mean null."""

    values: Mapping[str, object]
    form: bool = False


@attrs.frozen
class Field:
    """One member: how a given value is read, and whether it may be null or left out."""

    parse: Callable[[object], object]
    nullable: bool = True
    required: bool = False

    def read(self, body: RequestBody, name: str, partial: bool) -> object:
        """The value to store, or ABSENT to leave the stored one alone; raises Invalid."""
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
    """Text with its outer whitespace trimmed; blank text is refused."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Invalid("Not a valid string.")
    trimmed = _python2_text(value).strip()
    if not trimmed:
        raise Invalid("This field may not be blank.")
    return trimmed


def job_name(value: object) -> str:
    """Text that may name a job; every reason for which it may not is reported at once."""
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
    """One of 0 to 5, as a number or as its text."""
    given = _python2_text(value)
    if given not in {"0", "1", "2", "3", "4", "5"}:
        raise Invalid(f'"{given}" is not a valid choice.')
    return int(given)


def whole_number(value: object) -> int:
    """An integer of any size, also as text and as 10.0."""
    given = re.sub(r"\.0*\s*$", "", _python2_text(value))
    if not re.fullmatch(r"\s*[+-]?\d+\s*", given, re.ASCII):
        raise Invalid("A valid integer is required.")
    return int(given)


def mysql_number(value: object) -> int:
    """An integer that fits the column MySQL gives it."""
    number = whole_number(value)
    low, high = MYSQL_INTEGERS
    if number > high:
        raise Invalid(f"Ensure this value is less than or equal to {high}.")
    if number < low:
        raise Invalid(f"Ensure this value is greater than or equal to {low}.")
    return number


def rate(value: object) -> Decimal:
    """A decimal of at most 8 digits, 3 of them behind the point and 5 before it."""
    given = _python2_text(value).strip()
    try:
        # Python 2 knows no digits grouped by underscores.
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
    """A date and time; without a zone it is UTC.  A bare date is refused."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise Invalid(_WRONG_MOMENT)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        return datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            int((fraction or "").ljust(6, "0")),
            _zone(zone),
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(_WRONG_MOMENT) from None


def row_id(value: object) -> int:
    """The key of a row, a number or its text.  Whether there is such a row is not asked here."""
    if value == "":
        raise Invalid("This field may not be null.")
    try:
        return int(value)  # type: ignore[call-overload,no-any-return]  # tried as the server does
    except (TypeError, ValueError, OverflowError):
        kind = "unicode" if isinstance(value, str) else type(value).__name__
        raise Invalid(f"Incorrect type. Expected pk value, received {kind}.") from None


def written_rate(value: Decimal | None) -> str | None:
    """Always three decimals, as text: "1.500"."""
    return None if value is None else f"{value:.{RATE_PLACES}f}"


def written_moment(value: datetime | None) -> str | None:
    """ISO 8601 in UTC: six digits of fraction, or none at all when they are zero."""
    return None if value is None else value.replace(tzinfo=None).isoformat() + "Z"


def _python2_text(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    short = f"{value:.12g}"
    return short if re.search("[.en]", short) else short + ".0"


def _precision(number: Decimal) -> tuple[int, int, int]:
    """How many digits in total, before and behind the point, counted the framework's way."""
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
