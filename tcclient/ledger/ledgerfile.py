"""
The account beside the data: one JSON object a line, append-only, newest last.

Knows how lines are kept and found again; what they can say is in `entries`.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime

from tcclient.ledger.backlog import Backlog
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, LedgerRepaired, as_line
from tcclient.runtime.appending import End, leads_to
from tcclient.runtime.backwards import lines_backwards


class LedgerInUse(Exception):
    """Another process holds this ledger: it captures into the same folder."""


class Ledger:
    """
    An open ledger file.  Where `alone` is true, this process is the only one that has it open;
    the system releases the lock when the process dies.

    Raises OSError where the file or its folder cannot be made, LedgerInUse where another has it.
    Lines that the disk does not take wait in `backlog`, which may be one that outlives this.
    """

    def __init__(
        self,
        path: Path,
        clock: IReactorTime,
        *,
        alone: bool = True,
        backlog: Backlog | None = None,
    ) -> None:
        self.path = path
        self._clock = clock
        self._alone = alone
        self._backlog = Backlog() if backlog is None else backlog
        self._open()

    is_unsynced = False
    """Whether a line has been appended since whoever syncs the file has reset this."""

    is_renewed = False
    """Whether the file was taken away and begun again; whoever says it all anew resets it."""

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._end = End(self._fd)
        try:
            if self._alone:
                self._lock()
                self._cut_torn_tail()
        except BaseException:
            os.close(self._fd)
            raise

    def _begin_again(self) -> None:
        """Somebody has taken the file away, or its folder: go on in a new one."""
        before, begun = (self._fd, self._end), False
        try:
            self._open()
            self.is_renewed = begun = True
        except LedgerInUse as e:
            raise OSError(errno.EAGAIN, "another client writes there", str(self.path)) from e
        finally:
            if begun:
                os.close(before[0])
            else:
                self._fd, self._end = before

    def write(self, entry: Entry, job: int | None = None) -> None:
        """
        Append a line: the time, and what the entry says; before it, those that wait.  Where it
        raises OSError, the line has not been appended.
        """
        self.catch_up()
        self._append([as_line(entry, job, self._clock.seconds())])

    def note(self, entry: Entry, job: int | None = None) -> None:
        """The same, but a line that cannot be appended waits.  Raises OSError all the same."""
        now = self._clock.seconds()
        try:
            self.write(entry, job)
        except OSError:
            self._backlog.add(entry, job, now)
            raise

    def catch_up(self) -> None:
        """Append the lines that wait.  Raises OSError; what has not been appended waits on."""
        while self._backlog:
            self._append(self._backlog.first(self._clock.seconds()))
            self._backlog.taken()

    def _append(self, lines: list[bytes]) -> None:
        if not leads_to(self.path, self._fd):
            self._begin_again()
        end = self._end if self._alone else End(self._fd)  # where others write, none is ours
        end.take_back()
        end.append(lines if self._ends_whole() else [b"\n", *lines])
        self.is_unsynced = True

    def fileno(self) -> int:
        """The descriptor of the file."""
        return self._fd

    def newest_first(self) -> Iterator[dict[str, Any]]:
        """The lines, from the last one backwards; lines that cannot be read are passed over."""
        for raw in lines_backwards(self._fd):
            try:
                line = json.loads(raw)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict):
                yield line

    def counters(self, job: int) -> Counters | None:
        """Return the last known numbers of `job`; None where it has none in this ledger."""
        return next((found for owner, found in self.all_counters() if owner == job), None)

    def all_counters(self) -> Iterator[tuple[int, Counters]]:
        """Yield (job, its numbers from then on), the newest first."""
        for line in self.newest_first():
            job, counters = line.get("job"), _counters(line.get("account"))
            if isinstance(job, int) and counters is not None:
                yield job, counters

    def close(self) -> None:
        """Let go of the file, and of the lock."""
        os.close(self._fd)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            if e.errno in (errno.EAGAIN, errno.EACCES):
                raise LedgerInUse(str(self.path)) from e
            raise

    def _ends_whole(self) -> bool:
        """False where another process died, or the disk filled up, within a line."""
        size = os.fstat(self._fd).st_size
        return size == 0 or os.pread(self._fd, 1, size - 1) == b"\n"

    def _cut_torn_tail(self) -> None:
        size = os.fstat(self._fd).st_size
        tail = next(lines_backwards(self._fd, whole_only=False), b"")
        if tail and not tail.endswith(b"\n"):
            os.ftruncate(self._fd, size - len(tail))
            repaired = LedgerRepaired(cut_bytes=len(tail))
            self._append([as_line(repaired, None, self._clock.seconds())])


def _counters(value: object) -> Counters | None:
    if not isinstance(value, dict):
        return None
    numbers: list[Any] = [value.get(field.name) for field in attrs.fields(Counters)]
    return Counters(*numbers) if all(type(number) is int for number in numbers) else None
