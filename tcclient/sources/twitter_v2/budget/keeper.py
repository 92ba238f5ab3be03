"""
Keeps the budget on disk, so that a kill -9 does not lose it, and has buying stopped at its end.

Knows when a record is written, and when buying has to stop because of a limit or of the disk;
what it reports, and that the connection is closed, is up to `news`.
"""

from functools import partial
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.health.facts import LimitFacts
from tcclient.runtime.producers import Pausable
from tcclient.runtime.threads import Threads, in_place
from tcclient.runtime.timers import Timers
from tcclient.runtime.wallclock import Wall
from tcclient.sources.twitter_v2.budget.budget import Budget, SpendingRecord
from tcclient.sources.twitter_v2.budget.limits import BudgetLimits
from tcclient.sources.twitter_v2.budget.news import BudgetNews
from tcclient.sources.twitter_v2.budget.records import (
    RETRY,
    BudgetRecords,
    Illegible,
    Write,
    read_record,
    write_record,
)

log = Logger()

KEEP_INTERVAL = 1.0
"""Seconds between two records while posts come, unless more come than the last one provides for."""

LAST_RECORD = 1.0
"""Seconds for which the end of the process waits for its record."""

LONGEST_SLEEP = 3600.0
"""Seconds after which the end of a period is looked for anew, should the clock be set."""


class BudgetKeeper(Service, Pausable):
    """
    Counts the posts that all captures of this client buy, and keeps the count in a file.

    The file is replaced, by `threads`, a second after posts have come, when a limit is nearly or
    wholly used, in a new day, when the service starts and stops, and when more posts have come than
    the last record provides for.  At a steady rate that never happens, at one that rises from r to
    s some log2(s / r) times.

    Posts are money.  While the record is being written, only what the last one provides for is
    spent: more are not to be read when `is_awaited`, of which `news` hears.  While it cannot be
    written, or is not for long, nothing more may be bought until it can.  While the stream is
    paused, an estimate of what X sends is provided for; it is spent if a limit may be reached by
    it, and if the connection ends.  A file that cannot be read stands for a budget that is used up;
    it stays as it is until a period has ended.  `exhausted` says whether nothing may be bought now,
    as `news` was told.
    """

    def __init__(
        self,
        limits: BudgetLimits,
        path: Path,
        clock: IReactorTime,
        wall: Wall,
        news: BudgetNews,
        write: Write = write_record,
        threads: Threads = in_place,
    ) -> None:
        self._wall = wall
        self._news = news
        self._timers = Timers(clock)
        self.is_awaited = False
        now = wall()
        first = _read(path)
        self._illegible = first is None
        budget = Budget.used_up(limits, now) if first is None else Budget(limits, first, now)
        self._budget, told = budget, self._recorded
        put = partial(write, path)
        self._file = BudgetRecords(path, budget, put, threads, clock, wall, told, first)
        self.exhausted = self._budget.exhausted() is not None

    def startService(self) -> None:
        """Find out whether the count can be kept, and tell `news` if a limit is reached."""
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._budget.begin(self._wall())
        self.exhausted = self._budget.exhausted() is not None
        self._keep()  # finds out whether it can be kept at all
        self._tell()

    def stopService(self) -> Deferred[None]:
        """Keep the last count.  Fires when it is kept, or after LAST_RECORD."""
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        self._timers.stop("keep", "renew")
        self._budget.write_off(self._wall())
        if self._file.is_under_way or not self._budget.settled:
            self._keep()
        return self._file.written(LAST_RECORD)

    def clock_stepped(self, seconds: float) -> None:
        """
        Called when the date has jumped by `seconds`, as the clock was set or the machine slept: a
        period may be over, or last longer.
        """
        if self.running and self.exhausted:
            self._timers.stop("renew")
            self._maybe_renewed()

    def pauseProducing(self) -> None:
        """Note that from now on nothing is read of what X sends, which is billed all the same."""
        self._budget.pause(self._wall())
        self._keep_later()

    def resumeProducing(self) -> None:
        """Note that what X sends is read again."""
        self._budget.resume()

    def cut(self) -> None:
        """Note that the connection has ended: what was not read is spent, by an estimate."""
        if self._budget.is_paused:
            self._budget.write_off(self._wall())
            self._keep()
            self._tell()

    def spend(self, posts: int) -> None:
        """Count posts that have just been delivered, whoever's rules they matched."""
        self._budget.spend(posts, self._wall())
        if not self.running:  # posts that were under way when the service stopped
            self._keep()
            return
        if self._budget.room < 0 and self._file.failure is None and not self._file.is_under_way:
            self._keep_on()
        else:
            self._keep_later()
        self._review()
        self._tell()

    def limits(self) -> list[LimitFacts]:
        """Return how far each limit is used, and until when it counts."""
        budget = self._budget
        budget.roll(self._wall())
        return [
            LimitFacts(level.name, level.spent, level.limit, budget.renewed_at(level))
            for level in budget.levels()
        ]

    def _tell(self) -> None:
        """Log which limits are nearly used up; tell `news` if one is used up.  Each once."""
        news = self._budget.news()
        if news and self._file.failure is None:
            self._keep_on()  # so that a restart knows of it
        for level in news:
            if not level.exhausted:
                log.warn(
                    "Of the {limit} posts that twitter.budget allows this {name}, {used} are used.",
                    limit=level.limit,
                    name=level.name,
                    used=level.used,
                )
        out = next((level for level in reversed(news) if level.exhausted), None)
        if out is not None:
            self.exhausted = True
            until = self._budget.renewed_at(out)
            self._wait(until)
            self._news.budget_exhausted(out, until)
        elif self._file.failure is not None and self._budget.room <= 0 and not self.exhausted:
            self.exhausted = True
            self._news.budget_unkept(self._file.failure)

    def _wait(self, until: float) -> None:
        """Look for a new period at `until` (epoch seconds), after LONGEST_SLEEP at the latest."""
        seconds = min(max(until - self._wall(), 0.0) + 0.001, LONGEST_SLEEP)
        self._timers.stop("renew")  # now, as the wall clock may have told of a step
        self._timers.start("renew", seconds, self._maybe_renewed)

    def _maybe_renewed(self) -> None:
        """Let posts be bought again if a new period has begun; otherwise wait on."""
        self._budget.roll(self._wall())
        level = self._budget.exhausted()
        if level is not None:
            self._wait(self._budget.renewed_at(level))
            return
        self._illegible = False
        self._keep_on()
        self._reopen()

    def _reopen(self) -> None:
        """Let posts be bought again if nothing stands against it."""
        kept = self._file.failure is None or self._budget.room > 0
        if self.exhausted and kept and self._budget.exhausted() is None:
            self.exhausted = False
            self._news.budget_renewed()

    def _keep_later(self) -> None:
        """Write a record in KEEP_INTERVAL seconds, if none is due earlier."""
        if self.running:
            self._timers.start("keep", KEEP_INTERVAL, self._keep_in_time)

    def _keep_in_time(self) -> None:
        now = self._wall()
        if self._budget.wait(now):
            self._budget.write_off(now)
        self._keep_on()
        self._tell()
        if self._budget.is_paused:
            self._keep_later()

    def _keep_on(self) -> None:
        self._keep(provides=True)

    def _keep(self, *, provides: bool = False) -> None:
        """Write a record, and again in RETRY seconds where that fails."""
        self._timers.stop("keep")
        if not self._illegible:
            self._file.keep(provides=provides)

    def _recorded(self) -> None:
        """Go on by what has become of a record."""
        if not self.running:
            return
        if self._file.failure is not None:
            self._timers.start("keep", RETRY, self._keep_in_time)
        elif self._budget.room < 0:  # posts that have come meanwhile
            self._keep_on()
        self._review()
        self._tell()
        self._reopen()

    def _review(self) -> None:
        """Tell `news` whether the record is awaited, if that has changed."""
        is_awaited = self._budget.room < 0 and self._file.failure is None and not self._illegible
        if is_awaited != self.is_awaited:
            self.is_awaited = is_awaited
            self._news.record_awaited()


def _read(path: Path) -> SpendingRecord | None:
    """Return the record in the file, None where it cannot be read; log what follows from it."""
    try:
        record = read_record(path)
    except Illegible as e:
        log.error("{reason}.", reason=e)
        return None
    if record.ahead:
        log.warn(
            "The client ended before it had counted its last posts. twitter.budget takes them "
            "for {ahead}: an estimate, rounded up.",
            ahead=record.ahead,
        )
    return record
