"""
The records of a budget, written one after the other while nobody waits for the disk, and their
file.

Knows what a record is made of, and whether the last one could be written; does not know when one is
due.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.runtime.appending import replace_file
from tcclient.runtime.failures import explain_os
from tcclient.runtime.fixedfiles import read_file
from tcclient.runtime.threads import Threads
from tcclient.runtime.wallclock import Wall
from tcclient.sources.twitter_v2.budget.budget import NOTHING_SPENT, Budget, SpendingRecord
from tcclient.storage.latest import Latest

log = Logger()


_MAX_BYTES = 1 << 16  # a record has some 200; this keeps a foreign file from being read whole

Write = Callable[[Path, SpendingRecord], None]
"""Puts a record on disk, as write_record() does.  Raises OSError."""


class Illegible(Exception):
    """
    Raised for a file that does not say what was spent.  str() is a sentence without its full stop.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} cannot be read ({reason}): the budget counts as used up until the next "
            "period. To begin at 0, remove the file while the client is down"
        )


def record_path(base_dir: Path, key: str) -> Path:
    """Return the path of the file of one client of the server for which `key` stands."""
    return base_dir / f"tcc.budget.{key}.json"


def write_record(path: Path, record: SpendingRecord) -> None:
    """Replace the file, so that even a power cut leaves the old or the new.  Raises OSError."""
    replace_file(path, msgspec.json.encode(record))


def read_record(path: Path) -> SpendingRecord:
    """Return the record in the file, NOTHING_SPENT if there is no file.  Raises Illegible."""
    try:
        content = read_file(path, _MAX_BYTES + 1)
    except FileNotFoundError:
        return NOTHING_SPENT
    except OSError as e:
        raise Illegible(path, f"{e.strerror or e}") from e
    if len(content) > _MAX_BYTES:
        raise Illegible(path, "it is larger than any of ours")
    try:
        record = msgspec.json.decode(content, type=SpendingRecord)
        datetime.strptime(record.day, "%Y-%m-%d")
    except (msgspec.MsgspecError, ValueError, RecursionError) as e:
        raise Illegible(path, _newer(content) or f"it is none of ours ({e})") from e
    if not record.day.startswith(record.month):
        raise Illegible(path, "its day is in another month")
    return record


def _newer(content: bytes) -> str | None:
    """Return a clause if a newer client has written the file, otherwise None."""
    try:
        version = msgspec.json.decode(content)["version"]
    except (msgspec.MsgspecError, RecursionError, TypeError, KeyError):
        return None
    is_newer = type(version) is int and version > 1
    return f"a newer client has written it (version {version})" if is_newer else None


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
