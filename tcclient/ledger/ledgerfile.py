"""
The files of a ledger, beside the data: one JSON object a line, only ever appended to.

Knows how lines are written and found again, and when another file is begun; does not know what
lines can say, which `entries` does.
"""

import errno
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from msgspec import structs

from tcclient.ledger.another import Shape, why_not
from tcclient.ledger.bookings import LedgerBegin, LedgerRepaired, LedgerResumed
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, as_line
from tcclient.ledger.known import LeftInLedger, left_in, restated
from tcclient.ledger.locks import lock
from tcclient.ledger.segments import (
    Begin,
    begun_name,
    behind,
    digest,
    end_rotation,
    free_name,
    month,
    month_of,
    read_begin,
)
from tcclient.ledger.state import LedgerState, StateFile
from tcclient.runtime.appending import End, leads_to, sync_folder
from tcclient.runtime.backwards import ends_whole, unfinished
from tcclient.runtime.inodes import lasting_inode
from tcclient.runtime.wallclock import Date, Wall

_APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC

HARDLY_BEGUN = 4096
"""With fewer bytes than these a file is not finished because a line does not fit into it."""


Inode = Callable[[Path, int], int | None]
"""Returns as lasting_inode() does by what a copy of an open file is told from it."""


class Ledger:
    """
    An open ledger, locked against all others; the system releases the lock when the process dies.
    Lines are appended to the file at `path`; with the first line of a new month, or one by which it
    would become larger than a file can be, that gets the name of its month, and another one is
    begun.  Raises OSError if the file or its folder cannot be made, LedgerInUse if somebody else
    has the lock.
    """

    def __init__(self, path: Path, wall: Wall, *, ino: Inode = lasting_inode) -> None:
        self.path = path
        self._wall = wall
        self._inode = ino
        self._repaired: list[bytes] = []  # a line that is to be the next one
        self._lost = LedgerState()  # what was kept beside another one that this one follows
        self._open(wall())
        with suppress(OSError):  # without it the server is asked
            for job, line, counters in restated(path, self._lost):
                self.write(line, job)
                self.keep(job, counters)

    is_unsynced = False
    """Whether a line has been appended; whoever syncs the file resets this."""

    is_renewed = False
    """Whether the file was removed or written over; whoever restates its content resets this."""

    _is_resumed = False  # whether it had lines then
    found: Mapping[int, LeftInLedger] = {}
    """What it said then of jobs, if it is one that this process has not had; by their ids."""

    @property
    def id(self) -> str:
        """The id of the ledger, which no other has."""
        return self._begin.line.ledger

    @property
    def length(self) -> int:
        """How many bytes the ledger has had in its life, those of earlier months included."""
        return self._begin.line.offset + self._end.whole

    def _open(self, now: Date, known: LedgerState | None = None) -> bool:
        """
        Open the file at `path`; where nothing is kept beside it, it is to be as is `known`.  Return
        whether it had lines, and goes on under its id.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = _locked(self.path)
        self._end = End(self._fd)
        # It lies in the same folder, which may be another one than before.
        self.kept = StateFile(self.path)
        try:
            self.is_unsynced, self._repaired = _cut_torn_tail(self._fd, self._end, now)
            kept = self.kept.state
            return self._identify(kept if kept.ledger or known is None else known, now)
        except BaseException:
            os.close(self._fd)
            raise

    def _identify(self, known: LedgerState, now: Date) -> bool:
        """Give it an id, unless it has one and is as long as is known; return whether it has."""
        begin, size = read_begin(self._fd), os.fstat(self._fd).st_size
        because = why_not(begin, size, self._inode(self.path, self._fd), known)
        if begin is not None:
            self._begin = begin
            if because is None:
                self._shape = Shape.of(self._fd)
                return True
        first = LedgerBegin(ledger=uuid4().hex)
        if because is not None:
            first = structs.replace(first, follows=known.ledger, because=because)
            self._lost = known if because != "copied" else LedgerState()  # a copy lacks none
        self._start(first, 0 if known.ledger else size, now)
        return False

    def _start(self, first: LedgerBegin, offset: int, now: Date) -> None:
        """Begin with `first` in another file, or in this one if nothing is in it."""
        if os.fstat(self._fd).st_size:
            self._rotate(first, offset, now)
            return
        first = behind(self.path, first)
        self._end.append([as_line(first, None, now)])
        self._begin = Begin(first, now)
        self._remember()

    def _rotate(self, first: LedgerBegin, offset: int, now: Date) -> None:
        """
        Give the file the name of its month, and begin another one with `first`, to which is added
        what comes before it.  A crash in between leaves one of the two as the file at `path`, or
        none, which end_rotation() mends.
        """
        os.fsync(self._fd)  # nobody syncs it later
        done = free_name(self.path, month_of(self._fd, read_begin(self._fd), now))
        first = structs.replace(first, offset=offset, before=done.name, sha256=digest(self._fd))
        new = begun_name(self.path)
        fd = os.open(new, _APPENDING | os.O_TRUNC, 0o666)
        try:
            lock(fd, new)
            End(fd).append([as_line(first, None, now)])
            os.fsync(fd)
            self.path.rename(done)
            end_rotation(self.path)
        except BaseException:
            os.close(fd)
            if self.path.exists():
                new.unlink()
            raise
        os.close(self._fd)
        self._fd, self._end, self._begin = fd, End(fd), Begin(first, now)
        sync_folder(self.path.parent)
        self._remember()

    def begin_another(self, because: str, now: Date | None = None) -> None:
        """
        Go on under another id, at the date `now` or by the clock; then restate how things stand.
        Raises OSError.
        """
        now = self._wall() if now is None else now
        self._end.take_back()
        self._start(LedgerBegin(ledger=uuid4().hex, follows=self.id, because=because), 0, now)

    def _begin_again(self, now: Date) -> None:
        """Go on in a new file, as somebody has removed or moved this one, or its folder."""
        before = self._fd, self._end, self._begin, self._shape
        had = {self.id, self._begin.line.follows}
        try:
            self._is_resumed = self._open(now, LedgerState(self.id, self.length))
        except BaseException:
            self._fd, self._end, self._begin, self._shape = before
            raise
        os.close(before[0])
        self.is_renewed = True
        self.found = {} if self.id in had else left_in(self.path)

    def _remember(self) -> None:
        """Keep beside the ledger how long it is."""
        self._shape = Shape.of(self._fd)
        state = self.kept.of(self.id)
        state.length, state.inode = self.length, self._inode(self.path, self._fd)
        self.kept.keep()

    def keep(self, job: int, counters: Counters) -> None:
        """
        Keep beside the ledger what the next line with the counters of a job is to say.  Does not
        raise OSError.  Nothing is kept beside another ledger that stands in its place.
        """
        with suppress(OSError):
            if leads_to(self.path, self._fd):
                self.kept.of(self.id).take(job, counters)
                self.kept.keep()

    def write(self, entry: Entry, job: int | None = None) -> None:
        """Append a line with the time and what the entry says, as append() does."""
        now = self._wall()
        self.append([as_line(entry, job, now)], now)

    def append(self, lines: list[bytes], now: Date) -> None:
        """Append whole lines at the date `now`.  If it raises OSError, none has been appended."""
        if self._repaired:
            self._append(self._repaired, now)
            self._repaired = []
        self._append(lines, now)

    def _append(self, lines: list[bytes], now: Date) -> None:
        if not leads_to(self.path, self._fd):
            self._begin_again(now)
        self._end.take_back()  # or a part of refused lines would look like a line that was cut
        because = self._shape.why_other(self._fd)
        if because is not None:
            self.begin_another(because, now)
            self.is_renewed = True
        if month(now) > month(self._begin.at):
            self._rotate(LedgerBegin(ledger=self.id), self.length, now)
        if self._is_resumed:
            lines = [as_line(LedgerResumed(), None, now), *lines]
        lines = lines if ends_whole(self._fd) else [b"\n", *lines]
        try:
            self._end.append(lines)
        except OSError as e:
            if e.errno != errno.EFBIG or os.fstat(self._fd).st_size < HARDLY_BEGUN:
                raise
            self._end.take_back()
            self._rotate(LedgerBegin(ledger=self.id), self.length, now)
            self._end.append(lines)
        self.is_unsynced, self._is_resumed = True, False
        self._remember()

    def fileno(self) -> int:
        """Return the descriptor of the file that lines are appended to."""
        return self._fd

    def close(self) -> None:
        """Close the file, which releases the lock."""
        os.close(self._fd)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _locked(path: Path) -> int:
    """Return the file at `path`, opened and locked; it is made if there is none."""
    while True:
        end_rotation(path)
        fd = os.open(path, _APPENDING, 0o666)
        try:
            lock(fd, path)
            if leads_to(path, fd):  # otherwise it was the one of another month meanwhile
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _cut_torn_tail(fd: int, end: End, now: Date) -> tuple[bool, list[bytes]]:
    """
    Cut off a last line that is incomplete, and append a line that says so.  Return whether there
    was one, and the line where the file has no room for it: it is for the next file.
    """
    cut = unfinished(fd)
    if not cut:
        return False, []
    os.ftruncate(fd, os.fstat(fd).st_size - cut)
    repaired = [as_line(LedgerRepaired(cut_bytes=cut), None, now)]
    try:
        end.append(repaired)
    except OSError as e:
        if e.errno != errno.EFBIG:
            raise
        end.take_back()
        return True, repaired
    return True, []
