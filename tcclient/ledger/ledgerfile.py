"""
The file of a ledger, beside the data: one JSON object a line, only ever appended to.

Knows how lines are written and found again; does not know what they can say, which `entries` does.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tcclient.ledger.backlog import Backlog
from tcclient.ledger.bookings import LedgerRepaired, LedgerResumed
from tcclient.ledger.entries import Entry, as_line
from tcclient.ledger.lines import LedgerLine, UnreadableLine, line
from tcclient.ledger.vocabulary import COMMON
from tcclient.runtime.appending import End, leads_to
from tcclient.runtime.backwards import lines_backwards
from tcclient.runtime.wallclock import Wall


class LedgerInUse(Exception):
    """Raised where another process has the ledger open: it captures into the same folder."""


class Ledger:
    """
    An open ledger file.  With `alone` it is locked against other processes that do so too; the
    system releases the lock when the process dies.

    Raises OSError if the file or its folder cannot be made, LedgerInUse if another process has the
    lock.  Lines that the disk does not take wait in `backlog`, which may outlive this object.
    """

    def __init__(
        self,
        path: Path,
        wall: Wall,
        *,
        alone: bool = True,
        backlog: Backlog | None = None,
    ) -> None:
        self.path = path
        self._wall = wall
        self._alone = alone
        self._backlog = Backlog() if backlog is None else backlog
        self._open()

    is_unsynced = False
    """Whether a line has been appended; whoever syncs the file resets this."""

    is_renewed = False
    """Whether the file was removed and begun anew; whoever restates its content resets this."""

    _is_resumed = False  # whether it had lines then

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
        """Go on in a new file, as somebody has removed or moved this one, or its folder."""
        before, begun = (self._fd, self._end), False
        try:
            self._open()
            self.is_renewed = begun = True
            self._is_resumed = os.fstat(self._fd).st_size > 0
        except LedgerInUse as e:
            raise OSError(errno.EAGAIN, "another client writes there", str(self.path)) from e
        finally:
            if begun:
                os.close(before[0])
            else:
                self._fd, self._end = before

    def write(self, entry: Entry, job: int | None = None) -> None:
        """
        Append the lines that wait, then one with the time and what the entry says.  If it raises
        OSError, that line has not been appended.
        """
        self.catch_up()
        self._append([as_line(entry, job, self._wall())])

    def note(self, entry: Entry, job: int | None = None) -> None:
        """Append a line as write() does.  If it raises OSError, the line waits in the backlog."""
        now = self._wall()
        try:
            self.write(entry, job)
        except OSError:
            self._backlog.add(entry, job, now)
            raise

    def catch_up(self) -> None:
        """Append the lines that wait.  If it raises OSError, the others wait on."""
        while self._backlog:
            self._append(self._backlog.first(self._wall()))
            self._backlog.taken()

    def _append(self, lines: list[bytes]) -> None:
        if not leads_to(self.path, self._fd):
            self._begin_again()
        if self._is_resumed:
            lines = [as_line(LedgerResumed(), None, self._wall()), *lines]
        end = self._end if self._alone else End(self._fd)  # others write too: nothing to take back
        end.take_back()
        end.append(lines if self._ends_whole() else [b"\n", *lines])
        self.is_unsynced = True
        self._is_resumed = False

    def fileno(self) -> int:
        """Return the descriptor of the file."""
        return self._fd

    @property
    def identity(self) -> tuple[int, int]:
        """What tells the file from others, also from one of the same name."""
        status = os.fstat(self._fd)
        return status.st_dev, status.st_ino

    def newest_first(self) -> Iterator[dict[str, Any]]:
        """Yield the lines, decoded, from the last one backwards, except those that are damaged."""
        for raw in lines_backwards(self._fd):
            try:
                decoded = json.loads(raw)
            except (ValueError, RecursionError):
                continue
            if isinstance(decoded, dict):
                yield decoded

    def read_backwards(self) -> Iterator[LedgerLine | UnreadableLine]:
        """Yield the lines as they are read here, from the last one, number -1, backwards."""
        for number, raw in enumerate(lines_backwards(self._fd), 1):
            yield line(-number, raw, COMMON)

    def close(self) -> None:
        """Close the file, which releases the lock."""
        os.close(self._fd)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            if e.errno in (errno.EAGAIN, errno.EACCES):
                raise LedgerInUse(str(self.path)) from e
            raise

    def _ends_whole(self) -> bool:
        """
        Return whether the file ends with a newline or is empty: not if another process died, or the
        disk filled up, within a line.
        """
        size = os.fstat(self._fd).st_size
        return size == 0 or os.pread(self._fd, 1, size - 1) == b"\n"

    def _cut_torn_tail(self) -> None:
        """Cut off a last line that is incomplete, and append a line that says so."""
        size = os.fstat(self._fd).st_size
        tail = next(lines_backwards(self._fd, whole_only=False), b"")
        if tail and not tail.endswith(b"\n"):
            os.ftruncate(self._fd, size - len(tail))
            repaired = LedgerRepaired(cut_bytes=len(tail))
            self._append([as_line(repaired, None, self._wall())])
