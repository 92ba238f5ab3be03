"""
The records of a budget, written one after the other while nobody waits for the disk.

Knows what a record is made of, and whether the last one could be written; does not know when one is
due.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.runtime.failures import explain_os
from tcclient.runtime.threads import Threads
from tcclient.runtime.wallclock import Wall
from tcclient.sources.twitter_v2.budget.budget import NOTHING_SPENT, Budget, SpendingRecord
from tcclient.sources.twitter_v2.budget.file import Illegible, read_record
from tcclient.storage.latest import Latest

log = Logger()

RETRY = 5.0
"""Seconds after which a record that could not be written is tried again."""


class BudgetRecords:
    """
    Writes records of the `budget` into the file at `path` by `write`, in `threads`.  `told` is
    called when one has been written or not, and when the disk has not answered for long; `failure`
    says then why not, and is None where it was.  `first` is what the file said when this process
    began, None where nobody knows.

    A record of any other process is that of a folder that was away and has come back: what it says
    was spent, too, and is added.
    """

    def __init__(
        self,
        path: Path,
        budget: Budget,
        write: Callable[[SpendingRecord], object],
        threads: Threads,
        clock: IReactorTime,
        wall: Wall,
        told: Callable[[], object],
        first: SpendingRecord | None,
    ) -> None:
        self._path = path
        self._budget = budget
        self._write = write
        self._wall = wall
        self._told = told
        self._file = Latest(self._writing, threads, clock, self._written)
        self._provides = False
        self._newest = budget.last_record()
        self._by = secrets.token_hex(4)
        self._known = {self._by} if first in (None, NOTHING_SPENT) else {self._by, first.by}
        self._other: SpendingRecord | None = None
        self.failure: str | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether a record is being written."""
        return self._file.is_under_way

    def keep(self, *, provides: bool) -> None:
        """Write a record when its turn comes; it `provides` for more posts, or for none."""
        self._provides = provides
        self._file.renew()

    def written(self, within: float) -> Deferred[None]:
        """Fire when no record is being written any more, or after so many seconds."""
        return self._file.written(within)

    def _writing(self) -> Callable[[], object]:
        budget = self._budget
        self._newest = budget.record(self._wall()) if self._provides else budget.last_record()
        record = structs.replace(self._newest, by=self._by)

        def act() -> None:
            self._other = self._read_other()
            if self._other is None:
                self._write(record)

        return act

    def _read_other(self) -> SpendingRecord | None:
        """Return the record that is in the file, if another process has written it."""
        with suppress(Illegible):  # it says nothing that could be added
            found = read_record(self._path)
            if found != NOTHING_SPENT and found.by not in self._known:
                return found
        return None

    def _join(self, other: SpendingRecord) -> None:
        """Add what another process has spent, and write it down."""
        self._known.add(other.by)
        before = self._budget.levels()
        self._budget.join(other, self._wall())
        log.warn(
            "{path} was away, and is there again: of what it says was spent {added} are added.",
            path=str(self._path),
            added=", ".join(
                f"{now.spent - was.spent} posts of the {was.name}"
                for was, now in zip(before, self._budget.levels(), strict=True)
            ),
        )
        self._file.renew()

    def _written(self, refusal: OSError | None) -> None:
        other, self._other = self._other, None
        if other is not None:
            self._join(other)
            return
        if refusal is not None:
            self._failed(explain_os(refusal))
        else:
            self._budget.kept(self._newest)
            if self.failure is not None:
                log.info("The count of posts is kept in {path} again.", path=str(self._path))
            self.failure = None
        self._told()

    def _failed(self, reason: str) -> None:
        """Note why the record could not be written, and log that if it is news."""
        if reason != self.failure:
            log.error(
                "Cannot keep the count of posts in {path}: {reason}. Without it no more are bought "
                "than {room}; next try in {wait:g} s.",
                path=str(self._path),
                reason=reason,
                room=max(0, self._budget.room),
                wait=RETRY,
            )
        self.failure = reason
