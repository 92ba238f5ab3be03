"""
How many posts may still be bought, when a limit is reached, and how a kill -9 changes the count.
Pure; takes the time.

Knows that v2 is paid for by the post, and that limits are for days and months of UTC; writes no
record.

A record provides for the posts that come after it: `ahead` is how many may be delivered until the
next one, which is a second's worth at the measured rate.  A process that was killed is taken to
have had all of them, and when more have come, a new record is due at once.  So a restart counts too
few only if the kill fell between the delivery of such posts and their record, and then by the posts
that arrived in one piece.

While nothing is read, X goes on sending.  So many more posts are provided for as would have come at
the rate that was measured before.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tcclient.runtime.wallclock import Date
from tcclient.sources.twitter_v2.budget.limits import BudgetLimits, LimitUse

SHORTEST_MEASURE = 0.5
"""Seconds over which a rate is measured at least, so that a record at most doubles the last one."""

MOST_UNREAD = 10_000
"""
How many posts lie at most between X and a client that reads nothing: 5,000 posts of 3 kB were in
the buffers of both ends (observed).
"""

_DAY, _MONTH = "%Y-%m-%d", "%Y-%m"
_Number = Annotated[int, Meta(ge=0)]


class SpendingRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What is kept on disk: day and month (2026-11-23, 2026-11), the posts spent in each, how many
    more this record provides for (0 after a clean stop), and the periods in which there has been a
    warning.  The estimates are how many of the posts spent nobody has counted: earlier records
    provided for them when the client was killed.  `by` is a random name of the process that has
    written it.
    """

    version: Literal[1]
    day: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
    month: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}\Z")]
    day_posts: _Number
    month_posts: _Number
    ahead: _Number
    warned: tuple[str, ...]
    day_estimate: _Number = 0
    month_estimate: _Number = 0
    by: str = ""

    def plus(self, other: "SpendingRecord") -> "SpendingRecord":
        """Return the record with what another one of the same day says, too."""
        return msgspec.structs.replace(
            self,
            day_posts=self.day_posts + other.day_posts,
            month_posts=self.month_posts + other.month_posts,
            day_estimate=self.day_estimate + other.day_estimate,
            month_estimate=self.month_estimate + other.month_estimate,
            warned=tuple(sorted({*self.warned, *other.warned})),
        )


NOTHING_SPENT = SpendingRecord(
    version=1, day="", month="", day_posts=0, month_posts=0, ahead=0, warned=()
)  # fmt: skip


class Budget:
    """Counts posts against the limits; what `record` provides for counts as spent."""

    def __init__(self, limits: BudgetLimits, record: SpendingRecord, now: Date) -> None:
        self._limits = limits
        self._now = self._kept = record
        self._add(record.ahead, estimated=True)
        self._ahead = 0
        self._pending = 0  # posts since the last record on disk
        self._since = now
        self._unrecorded = 0  # those of them that came after the newest record was made
        self._unrecorded_since = now
        self._paused: tuple[float, int] | None = None  # since when, and posts per second before
        self._unread = 0
        self._out: set[str] = set()
        self.roll(now)

    @classmethod
    def used_up(cls, limits: BudgetLimits, now: Date) -> "Budget":
        """Return a budget that is used up, for when it is not known what was spent."""
        budget = cls(limits, NOTHING_SPENT, now)
        day, month = limits.posts_per_day or 0, limits.posts_per_month or 0
        budget._set(day_posts=day, month_posts=month, day_estimate=day, month_estimate=month)
        return budget

    def begin(self, now: Date) -> None:
        """Start anew with the service: news() tells again which limits are reached."""
        self._out.clear()
        self.roll(now)

    def roll(self, now: Date) -> None:
        """
        Go on to the day and month of `now` (epoch seconds).  A day or month that is over does not
        come back when the clock is set back.  A day that is more than one ahead has never been: the
        clock was wrong, and what was counted for it counts for the present one.
        """
        moment = datetime.fromtimestamp(now, UTC)
        day, month, old = moment.strftime(_DAY), moment.strftime(_MONTH), self._now
        if old.day > (moment + timedelta(days=1)).strftime(_DAY):
            self._set(day=day, month=month)
            return
        if day > old.day:
            self._set(day=day, day_posts=0, day_estimate=0)
        if month > old.month:
            self._set(month=month, month_posts=0, month_estimate=0)

    def spend(self, posts: int, now: Date) -> None:
        """Count posts that have been delivered."""
        self._spend(posts, now, estimated=False)

    def join(self, record: SpendingRecord, now: Date) -> None:
        """Count what another record says too, and all that it provides for."""
        self.roll(now)
        self._now = self._now.plus(Budget(self._limits, record, now)._now)

    def pause(self, now: Date) -> None:
        """Note that from now on nothing is read of what X sends."""
        if self._paused is None:
            self._paused = now, max(self._ahead, self._rate(now))

    def resume(self) -> None:
        """Note that what X sends is read again, and so counted."""
        self._paused, self._unread = None, 0

    @property
    def is_paused(self) -> bool:
        """Whether X may be sending posts that are not read."""
        return self._paused is not None

    def wait(self, now: Date) -> bool:
        """
        Estimate how many posts have come by `now` that nobody has read.  Return whether a limit may
        be reached with them; False if reading is not paused.
        """
        if self._paused is None:
            return False
        since, rate = self._paused
        self._unread = min(math.ceil(rate * max(0.0, now - since)), MOST_UNREAD)
        return any(level.spent + self._unread >= level.limit for level in self.levels())

    def write_off(self, now: Date) -> None:
        """Count as spent what has come unread, by an estimate, because nobody will read it."""
        self.wait(now)
        posts = self._unread
        self.resume()
        self._spend(posts, now, estimated=True)

    @property
    def room(self) -> int:
        """
        How many more posts the last record provides for.  Below 0, and in a day that the record
        does not know, a new one is due.
        """
        if self._now.day != self._kept.day:
            return -1
        return self._ahead - self._pending - self._unread

    @property
    def settled(self) -> bool:
        """Whether the last record says all, and provides for no more posts."""
        return self._ahead == self._pending == 0

    def record(self, now: Date) -> SpendingRecord:
        """
        Return what to keep while posts come; to be given to kept() when it is on disk, unless
        another one has been made meanwhile.
        """
        self._unrecorded = 0
        ahead = self._rate(now) if self._paused is None else self._paused[1] + self._unread
        return msgspec.structs.replace(self._now, ahead=ahead)

    def last_record(self) -> SpendingRecord:
        """Return what to keep when no more posts come, as record() does."""
        self._unrecorded = 0
        return msgspec.structs.replace(self._now, ahead=0)

    def kept(self, record: SpendingRecord) -> None:
        """Note that `record`, the newest that was made, is on disk."""
        self._kept, self._ahead = record, record.ahead
        self._pending, self._since = self._unrecorded, self._unrecorded_since

    def levels(self) -> tuple[LimitUse, ...]:
        """Return how far each limit is used, that of the day before that of the month."""
        limits, now = self._limits, self._now
        found = (
            ("day", now.day_posts, limits.posts_per_day, now.day_estimate),
            ("month", now.month_posts, limits.posts_per_month, now.month_estimate),
        )
        return tuple(
            LimitUse(name, spent, limit, estimated)
            for name, spent, limit, estimated in found
            if limit is not None
        )

    def news(self) -> tuple[LimitUse, ...]:
        """Return the limits newly found nearly or wholly used; each is told once a period."""
        found = []
        for level in self.levels():
            period = self._now.day if level.name == "day" else self._now.month
            if level.exhausted and period not in self._out:
                self._out.add(period)
                found.append(level)
            elif level.nearly and period not in self._now.warned:
                found.append(level)
            if level.nearly:
                self._warned(period)
        return tuple(found)

    def exhausted(self) -> LimitUse | None:
        """Return the limit that is reached, that of the month if both are; None where none is."""
        return next((level for level in reversed(self.levels()) if level.exhausted), None)

    def renewed_at(self, level: LimitUse) -> float:
        """Return when the period of `level` ends, in epoch seconds."""
        day = datetime.strptime(self._now.day, _DAY).replace(tzinfo=UTC)
        if level.name == "day":
            return (day + timedelta(days=1)).timestamp()
        month = datetime.strptime(self._now.month, _MONTH).replace(tzinfo=UTC)
        return (month + timedelta(days=32)).replace(day=1).timestamp()

    def _rate(self, now: Date) -> int:
        """Return how many posts come in a second, by what has come since the last record."""
        rate = self._ahead * 3 // 4  # the fastest second of late: so little rises need no record
        if self._pending:
            measure = max(now - self._since, SHORTEST_MEASURE)
            rate = max(rate, math.ceil(self._pending / measure))
        return rate

    def _warned(self, period: str) -> None:
        """Note that there was a warning in this period, and forget periods that are over."""
        current = {self._now.day, self._now.month}
        warned = tuple(sorted(({*self._now.warned} & current) | {period}))
        self._set(warned=warned)

    def _spend(self, posts: int, now: Date, *, estimated: bool) -> None:
        self.roll(now)
        if not self._pending:
            self._since = now
        if not self._unrecorded:
            self._unrecorded_since = now
        self._pending += posts
        self._unrecorded += posts
        self._add(posts, estimated=estimated)

    def _add(self, posts: int, *, estimated: bool) -> None:
        old, more = self._now, posts if estimated else 0
        self._set(
            day_posts=old.day_posts + posts,
            month_posts=old.month_posts + posts,
            day_estimate=old.day_estimate + more,
            month_estimate=old.month_estimate + more,
        )

    def _set(self, **members: object) -> None:
        self._now = msgspec.structs.replace(self._now, **members)
