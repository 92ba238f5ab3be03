"""
The budget, kept on disk: what was spent survives restarts and kill -9.

Knows the file and the time; what to do when nothing is left is its holder's business.
"""

import os
from pathlib import Path
from typing import Protocol

import attrs
import msgspec
from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from tcclient.budget import Budget, BudgetLimits, Level, Record
from tcclient.files import sync_folder

log = Logger()

KEEP_INTERVAL = 1.0
"""Seconds between two records while posts come: what a kill -9 can make us forget."""

LONGEST_SLEEP = 3600.0
"""Seconds: the end of a period is looked for again in between, should the clock be set."""


class Holder(Protocol):
    """Whose budget it is."""

    def budget_exhausted(self, level: Level, until: float) -> None:
        """Nothing more may be bought before `until` (epoch seconds): close the connection now."""

    def budget_renewed(self) -> None:
        """A new period has begun, and posts may be bought again."""


class Purse(Service):
    """
    Counts the posts of all captures of this client.  The file is replaced, never rewritten, at most
    once in KEEP_INTERVAL and when the service stops.

    A file that cannot be read stands for a budget that is used up: posts are money.  Where it
    cannot be written, counting goes on in memory, and the log says so.
    """

    def __init__(
        self, limits: BudgetLimits, path: Path, clock: IReactorTime, holder: Holder
    ) -> None:
        self._path = path
        self._clock = clock
        self._holder = holder
        now = clock.seconds()
        found = _read(path, limits, now)
        self._budget = Budget(limits, found, now)
        self._rate = found.rate  # until there is one of our own: we may be killed soon, too
        self._warned: set[tuple[str, str]] = set()
        self._kept_posts = self._budget.record.month_posts
        self._kept_at = now
        self._write_failed = False
        self._keeping: IDelayedCall | None = None
        self._renewing: IDelayedCall | None = None

    @property
    def exhausted(self) -> bool:
        """Whether nothing may be bought now."""
        return self._budget.exhausted() is not None

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._keep(clean=False)
        self._look()

    def stopService(self) -> None:
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        for call in (self._keeping, self._renewing):
            if call is not None and call.active():
                call.cancel()
        self._keeping = self._renewing = None
        self._keep(clean=True)

    def spend(self, posts: int) -> None:
        """So many posts have just been delivered, whoever's rules they matched."""
        was_exhausted = self.exhausted
        self._budget.spend(posts, self._clock.seconds())
        if self._keeping is None and self.running:
            self._keeping = self._clock.callLater(KEEP_INTERVAL, self._keep_in_time)
        self._warn()
        if self.exhausted and not was_exhausted:
            self._keep(clean=False)
            self._look()

    def _warn(self) -> None:
        for level in self._budget.levels():
            key = (level.name, self._period(level))
            if level.nearly and key not in self._warned:
                self._warned.add(key)
                log.warn(
                    "{spent} of the {limit} posts that twitter.budget allows this {name} are used.",
                    spent=level.spent,
                    limit=level.limit,
                    name=level.name,
                )

    def _period(self, level: Level) -> str:
        record = self._budget.record
        return record.day if level.name == "day" else record.month

    def _look(self) -> None:
        """Tell the holder where nothing is left, and wait for the next period."""
        self._renewing = None
        level = self._budget.exhausted()
        if level is None:
            return
        until = self._budget.renewed_at(level)
        self._wait(until)
        self._holder.budget_exhausted(level, until)

    def _wait(self, until: float) -> None:
        seconds = min(max(until - self._clock.seconds(), 0.0) + 0.001, LONGEST_SLEEP)
        self._renewing = self._clock.callLater(seconds, self._maybe_renewed)

    def _maybe_renewed(self) -> None:
        self._renewing = None
        self._budget.roll(self._clock.seconds())
        level = self._budget.exhausted()
        if level is None:
            self._keep(clean=False)
            self._holder.budget_renewed()
        else:
            self._wait(self._budget.renewed_at(level))

    def _keep_in_time(self) -> None:
        self._keeping = None
        self._keep(clean=False)

    def _keep(self, *, clean: bool) -> None:
        record, now = self._budget.record, self._clock.seconds()
        if now - self._kept_at >= KEEP_INTERVAL:
            spent = max(0, record.month_posts - self._kept_posts)
            self._rate = spent / (now - self._kept_at)
            self._kept_posts, self._kept_at = record.month_posts, now
        try:
            _write(self._path, attrs.evolve(record, rate=self._rate, clean=clean))
        except OSError as e:
            if not self._write_failed:
                log.error(
                    "Cannot keep the budget in {path}: {e}. It is counted in memory.",
                    path=str(self._path),
                    e=e,
                )
            self._write_failed = True
        else:
            self._write_failed = False


def _write(path: Path, record: Record) -> None:
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        file.write(msgspec.json.encode(attrs.asdict(record)))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(path.parent)


def _read(path: Path, limits: BudgetLimits, now: float) -> Record:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except FileNotFoundError:
        return Record()
    except (OSError, msgspec.MsgspecError, ValueError) as e:
        log.error(
            "Cannot read {path} ({e}): how much of twitter.budget is used is not known, and "
            "nothing is bought before the next period. Remove the file to begin anew.",
            path=str(path),
            e=e,
        )
        unused = Budget(limits, Record(), now).record
        return attrs.evolve(
            unused,
            day_posts=limits.posts_per_day or 0,
            month_posts=limits.posts_per_month or 0,
        )
