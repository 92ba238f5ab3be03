"""
How many posts may still be bought.  Pure; takes the time.

v2 is paid for by the post.  Periods are days and months of UTC.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import attrs

WARN_AT = 0.8
"""Share of a limit at which there is a warning."""


@attrs.frozen
class BudgetLimits:
    """Posts; None: no limit."""

    posts_per_day: int | None = None
    posts_per_month: int | None = None


def limits_from(given: Mapping[str, object] | None) -> BudgetLimits:
    """
    The limits that the settings give, None meaning none at all.  Raises ValueError, with a clause.
    """
    if given is None:
        return BudgetLimits()
    names = [field.name for field in attrs.fields(BudgetLimits)]
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


@attrs.frozen
class Record:
    """
    What was spent, as it is kept: in which day and month (2026-11-23, 2026-11), how many posts in
    each, at how many posts a second at last, and whether the process ended as it should.
    """

    day: str = ""
    month: str = ""
    day_posts: int = 0
    month_posts: int = 0
    rate: float = 0.0
    clean: bool = True


@attrs.frozen
class Level:
    """How far one limit is used: `name` is "day" or "month"."""

    name: str
    spent: int
    limit: int

    @property
    def exhausted(self) -> bool:
        return self.spent >= self.limit

    @property
    def nearly(self) -> bool:
        return self.spent >= self.limit * WARN_AT


class Budget:
    """Counts against the limits, on from `record`."""

    def __init__(self, limits: BudgetLimits, record: Record, now: float) -> None:
        self._limits = limits
        self._record = record
        self.roll(now)
        if not record.clean:
            # A record is a second old at the most, when the process is killed.
            self.spend(math.ceil(record.rate), now)

    @property
    def record(self) -> Record:
        """To be kept; its rate and `clean` are the keeper's."""
        return self._record

    def roll(self, now: float) -> bool:
        """
        Whether a new day or month has begun at `now` (epoch seconds).  One that is over does not
        come back, whatever the clock says.
        """
        moment = datetime.fromtimestamp(now, UTC)
        day, month = moment.strftime("%Y-%m-%d"), moment.strftime("%Y-%m")
        old = self._record
        if day > old.day:
            self._record = attrs.evolve(self._record, day=day, day_posts=0)
        if month > old.month:
            self._record = attrs.evolve(self._record, month=month, month_posts=0)
        return self._record != old

    def spend(self, posts: int, now: float) -> None:
        """So many posts have been delivered."""
        self.roll(now)
        self._record = attrs.evolve(
            self._record,
            day_posts=self._record.day_posts + posts,
            month_posts=self._record.month_posts + posts,
        )

    def levels(self) -> tuple[Level, ...]:
        """Of the limits that there are."""
        limits, record = self._limits, self._record
        found = (
            ("day", record.day_posts, limits.posts_per_day),
            ("month", record.month_posts, limits.posts_per_month),
        )
        return tuple(Level(name, spent, limit) for name, spent, limit in found if limit is not None)

    def exhausted(self) -> Level | None:
        """The limit that is reached, the one that lasts longest first; None where none is."""
        return next((level for level in reversed(self.levels()) if level.exhausted), None)

    def renewed_at(self, level: Level) -> float:
        """When the period of `level` ends, in epoch seconds."""
        form = "%Y-%m-%d" if level.name == "day" else "%Y-%m"
        text = self._record.day if level.name == "day" else self._record.month
        begin = datetime.strptime(text, form).replace(tzinfo=UTC)
        if level.name == "day":
            return (begin + timedelta(days=1)).timestamp()
        return (begin.replace(day=1) + timedelta(days=32)).replace(day=1).timestamp()
