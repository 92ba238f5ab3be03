"""
The files of a ledger, beside the data: one JSON object a line, only ever appended to.

Knows how lines are written and found again, and when another file is begun; does not know what
lines can say, which `entries` does.
"""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from msgspec import structs

from tcclient.ledger.backlog import Backlog
from tcclient.ledger.bookings import LedgerBegin, LedgerRepaired, LedgerResumed
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry, as_line
from tcclient.ledger.segments import (
    Begin,
    begun_name,
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
from tcclient.runtime.wallclock import Date, Wall

_APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC

HARDLY_BEGUN = 4096
"""With fewer bytes than these a file is not finished because a line does not fit into it."""


class LedgerInUse(OSError):
    """Raised where another process has the ledger open: it captures into the same folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EAGAIN, "another client writes there", str(path))


class Ledger:
    """
    An open ledger, locked against all others; the system releases the lock when the process dies.
    Lines are appended to the file at `path`; with the first line of a new month, or one by which it
    would become larger than a file can be, that gets the name of its month, and another one is
    begun.

    Raises OSError if the file or its folder cannot be made, LedgerInUse if somebody else has the
    lock.  Lines that the disk does not take wait in `backlog`, which may outlive this object.
    """

    def __init__(self, path: Path, wall: Wall, *, backlog: Backlog | None = None) -> None:
        self.path = path
        self._wall = wall
        self._backlog = Backlog() if backlog is None else backlog
        self._open()

    is_unsynced = False
    """Whether a line has been appended; whoever syncs the file resets this."""

    is_renewed = False
    """Whether the file was removed and begun anew; whoever restates its content resets this."""

    _is_resumed = False  # whether it had lines then

    @property
    def id(self) -> str:
        """The id of the ledger, which no other has."""
        return self._begin.line.ledger

    @property
    def length(self) -> int:
        """How many bytes the ledger has had in its life, those of earlier months included."""
        return self._begin.line.offset + os.fstat(self._fd).st_size

    def _open(self, known: LedgerState | None = None) -> bool:
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
            self.is_unsynced = _cut_torn_tail(self._fd, self._end, self._backlog, self._wall())
            kept = self.kept.state
            return self._identify(kept if kept.ledger or known is None else known)
        except BaseException:
            os.close(self._fd)
            raise

    def _identify(self, known: LedgerState) -> bool:
        """
        Give the ledger an id, unless it has one and is as long as it is known to have been; return
        whether it has.
        """
        begin, size = read_begin(self._fd), os.fstat(self._fd).st_size
        is_same = begin is not None and begin.line.ledger == known.ledger
        if begin is not None:
            self._begin = begin
            if not known.ledger or (is_same and known.length <= self.length):
                return True
        first = LedgerBegin(ledger=uuid4().hex)
        if known.ledger:
            because = "removed" if not size else "shorter" if is_same else "replaced"
            first = structs.replace(first, follows=known.ledger, because=because)
        if size:
            self._rotate(first, 0 if known.ledger else size)
            return False
        now = self._wall()
        self._end.append([as_line(first, None, now)])
        self._begin = Begin(first, now)
        self._remember()
        return False

    def _rotate(self, first: LedgerBegin, offset: int) -> None:
        """
        Give the file the name of its month, and begin another one with `first`, to which is added
        what comes before it.  A crash in between leaves one of the two as the file at `path`, or
        none, which end_rotation() mends.
        """
        now = self._wall()
        os.fsync(self._fd)  # nobody syncs it later
        done = free_name(self.path, month_of(self._fd, read_begin(self._fd), now))
        first = structs.replace(first, offset=offset, before=done.name, sha256=digest(self._fd))
        new = begun_name(self.path)
        fd = os.open(new, _APPENDING | os.O_TRUNC, 0o666)
        try:
            _lock(fd, new)
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

    def _begin_again(self) -> None:
        """Go on in a new file, as somebody has removed or moved this one, or its folder."""
        before, begun = (self._fd, self._end, self._begin), False
        try:
            self._is_resumed = self._open(LedgerState(self.id, self.length))
            self.is_renewed = begun = True
        finally:
            if begun:
                os.close(before[0])
            else:
                self._fd, self._end, self._begin = before

    def _remember(self) -> None:
        """Keep beside the ledger how long it is."""
        self.kept.of(self.id).length = self.length
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
        self._end.take_back()  # or a part of refused lines would look like a line that was cut
        if month(self._wall()) > month(self._begin.at):
            self._rotate(LedgerBegin(ledger=self.id), self.length)
        if self._is_resumed:
            lines = [as_line(LedgerResumed(), None, self._wall()), *lines]
        lines = lines if ends_whole(self._fd) else [b"\n", *lines]
        try:
            self._end.append(lines)
        except OSError as e:
            if e.errno != errno.EFBIG or os.fstat(self._fd).st_size < HARDLY_BEGUN:
                raise
            self._end.take_back()
            self._rotate(LedgerBegin(ledger=self.id), self.length)
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


def is_in_use(path: Path) -> bool:
    """
    Return whether a client has the ledger locked; False on a file system without locks.  To find
    out, a lock that others may share is taken, and let go of at once.  Raises OSError.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as e:
        return e.errno in (errno.EAGAIN, errno.EACCES)
    finally:
        os.close(fd)
    return False


def _lock(fd: int, path: Path) -> None:
    """Lock an open file.  Raises LedgerInUse if somebody else has."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        if e.errno in (errno.EAGAIN, errno.EACCES):
            raise LedgerInUse(path) from e
        raise


def _locked(path: Path) -> int:
    """Return the file at `path`, opened and locked; it is made if there is none."""
    while True:
        end_rotation(path)
        fd = os.open(path, _APPENDING, 0o666)
        try:
            _lock(fd, path)
            if leads_to(path, fd):  # otherwise it was the one of another month meanwhile
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _cut_torn_tail(fd: int, end: End, backlog: Backlog, now: Date) -> bool:
    """
    Cut off a last line that is incomplete, and append a line that says so; return whether there was
    one.  Where the file has no room for that line, it waits for the next file.
    """
    cut = unfinished(fd)
    if cut:
        os.ftruncate(fd, os.fstat(fd).st_size - cut)
        repaired = LedgerRepaired(cut_bytes=cut)
        try:
            end.append([as_line(repaired, None, now)])
        except OSError as e:
            if e.errno != errno.EFBIG:
                raise
            end.take_back()
            backlog.add(repaired, None, now)
    return cut > 0
