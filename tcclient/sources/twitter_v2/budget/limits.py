"""
The limits of a budget: what the settings give, and how far each is used.  Pure.

Knows numbers and their names; does not count.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from tcclient.health.judgement import is_nearly_used_up


class BudgetLimits(Struct, frozen=True):
    """How many posts may be bought in a day and in a month; None for any number."""

    posts_per_day: int | None = None
    posts_per_month: int | None = None


def limits_from(given: Mapping[str, object] | None) -> BudgetLimits:
    """Return the limits of the settings; `given` may be None.  Raises ValueError, with a clause."""
    if given is None:
        return BudgetLimits()
    names = BudgetLimits.__struct_fields__
    numbers: dict[str, int | None] = {}
    for name, number in given.items():
        if name not in names:
            raise ValueError(f"{name[:50]!r} is not one of {', '.join(names)}")
        if number is not None and (type(number) is not int or number < 1):
            raise ValueError(f"{name} is not a whole number from 1 up")
        numbers[name] = number if isinstance(number, int) else None
    if not any(numbers.values()):
        raise ValueError("there is no limit")
    return BudgetLimits(**numbers)


def utc_minute(at: float) -> str:
    """Return epoch seconds as a person reads them: 2026-11-24 00:00 UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


class LimitUse(Struct, frozen=True):
    """
    How far one limit is used; `name` is "day" or "month".  Of the posts spent, `estimated` were not
    counted: there were that many at most.
    """

    name: str
    spent: int
    limit: int
    estimated: int = 0

    @property
    def used(self) -> str:
        """The posts spent, in words that tell a count from an estimate."""
        if not self.estimated:
            return str(self.spent)
        return f"at most {self.spent} ({self.estimated} of them estimated)"

    @property
    def exhausted(self) -> bool:
        """Whether the limit is reached."""
        return self.spent >= self.limit

    @property
    def nearly(self) -> bool:
        """Whether the limit is nearly used up."""
        return is_nearly_used_up(self.spent, self.limit)
