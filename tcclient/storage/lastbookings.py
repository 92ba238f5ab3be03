"""
What a ledger says of files that a crash has left, read once for all of them, and their booking.

Knows which lines that are; opens no data file.
"""

import os
from collections import Counter
from pathlib import Path

from msgspec import structs
from twisted.logger import Logger

from tcclient.ledger.bookings import (
    CameBack,
    CaptureClose,
    CaptureOpen,
    File,
    LedgerBegin,
    NameTaken,
    NotStored,
)
from tcclient.ledger.known import newest_counters_in
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.reading import newest_first, of_kind

log = Logger()

_TELLING = (
    b'"inode"', b'"not_stored"', b'"came_back"', b'"ledger_begin"', b'"capture_open"',
    b'"capture_close"',
)  # fmt: skip
"""What stands in the lines of a long ledger that say something of a temporary file."""


class LastBookings:
    """
    The lines of an open ledger that tell of temporary files.  Whoever has this writes all lines
    about them through it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.last = _last(ledger)
        """The name of the file that was booked last; None if none was."""
        self.closed: float | None = None
        """
        When the last client closed the folder, in epoch seconds; None where it has not, or nobody
        knows.
        """
        self._counters = dict(newest_counters_in(ledger.path))
        self._strangers: set[tuple[str, int | None]] = set()
        self._gone: dict[str | None, Counter[tuple[int | None, str | None]]] = {}
        self._here: set[str | None] = {
            None
        }  # ids of the ledgers whose lines, or successors, these are
        self._read()

    def _read(self) -> None:
        is_newest = True
        for one in newest_first(self._ledger.path, *_TELLING):
            match one:
                case LedgerLine(entry=CaptureOpen() | CaptureClose()):
                    if is_newest and isinstance(one.entry, CaptureClose):
                        self.closed = one.at
                    is_newest = False
                case LedgerLine(entry=NameTaken(file=name, inode=inode)):
                    self._strangers.add((name, inode))
                case LedgerLine(
                    entry=NotStored(posts=gone, counted=True, file=file, ledger=id), job=job
                ):
                    self._gone.setdefault(file, Counter())[job, id] += gone
                case LedgerLine(entry=CameBack(posts=back, file=file), job=job):
                    self._gone.setdefault(file, Counter())[job, None] -= back
                case LedgerLine(entry=LedgerBegin(ledger=id, follows=former)):
                    self._here |= {id, former}

    def is_stranger(self, tmp: Path) -> bool:
        """Return whether somebody else had made the file while the folder was open; log it."""
        is_one = (tmp.name, tmp.lstat().st_ino) in self._strangers
        if is_one:
            log.warn("{name} is not this capture's, and is left alone.", name=tmp.name)
        return is_one

    def take_back(self, name: str, posts: int) -> None:
        """
        Note which posts of a file with this temporary name are counted as not stored, as somebody
        else had replaced or changed it, and are there after all: they are about to be counted with
        it.
        """
        told = self._gone.get(name, Counter())
        lost: Counter[int | None] = Counter()
        for (job, id), gone in told.items():
            lost[job] += gone if id in self._here else 0
        for job, gone in lost.items():
            back = min(gone, posts)
            if back > 0:
                posts -= back
                told[job, None] -= back
                self._ledger.write(CameBack(file=name, posts=back), job)
                self._add(job, -back)

    def book(self, file: File) -> None:
        """
        Write a line about a recovered file, and sync it.  Its posts belong to the job that has the
        newest counters in this folder, if there is one.
        """
        job = next(iter(self._counters), None)
        if job is not None:
            self._add(job, file.posts)
            file = structs.replace(file, counters=self._counters[job])
        self._ledger.write(file, job)
        os.fdatasync(self._ledger.fileno())

    def _add(self, job: int | None, posts: int) -> None:
        if job is not None and job in self._counters:
            counters = self._counters[job]
            self._counters[job] = structs.replace(counters, posts=counters.posts + posts)


def _last(ledger: Ledger) -> str | None:
    for one in newest_first(ledger.path, *of_kind("file")):
        match one:
            case LedgerLine(entry=File(name=name)):
                return name
    return None
