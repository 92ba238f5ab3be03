"""
Whether a ledger is another one than it was, or than the last capture in its folder had.

Knows by what that is told; does not know what follows from it.
"""

import os
from pathlib import Path

from msgspec import Struct

from tcclient.ledger.bookings import CaptureOpen, LedgerBegin
from tcclient.ledger.lines import LedgerLine, line
from tcclient.ledger.reading import raw_newest_first
from tcclient.ledger.segments import Begin
from tcclient.ledger.state import LedgerState
from tcclient.ledger.vocabulary import COMMON

_HEAD = 256
"""Bytes by which a file is known to begin as it did: the id of the ledger is in them."""


class Shape(Struct, frozen=True):
    """How an open file of a ledger begins, and how many bytes it has."""

    head: bytes
    size: int

    @classmethod
    def of(cls, fd: int) -> "Shape":
        """Return how the file is now.  Raises OSError."""
        return cls(os.pread(fd, _HEAD, 0), os.fstat(fd).st_size)

    def why_other(self, fd: int) -> str | None:
        """
        Return why the file is not the one that it was, as LedgerBegin has it: an older one was
        written over it.  None if it is, with lines behind, or without.  Raises OSError.
        """
        if os.fstat(fd).st_size < self.size:
            return "shorter"
        return "replaced" if os.pread(fd, len(self.head), 0) != self.head else None


def why_another(path: Path) -> str | None:
    """
    Return why the ledger is another one than the last capture had, as LedgerBegin has it; None if
    it is the same, or none had one.  Whoever else has opened it since, as to recover what a crash
    left, no capture has gone by that.
    """
    for raw in raw_newest_first(path, b'"capture_open"', b'"follows"'):
        match line(-1, raw, COMMON):
            case LedgerLine(entry=CaptureOpen()):
                return None
            case LedgerLine(entry=LedgerBegin(follows=str(), because=str() as because)):
                return because
    return None


def why_not(begin: Begin | None, size: int, inode: int | None, known: LedgerState) -> str | None:
    """
    Return why a file is not the ledger that is known, as LedgerBegin has it; None if it is.  The
    file that was begun for a new month is another one, and begins where that ended.
    """
    if not known.ledger:
        return None
    if begin is None or begin.line.ledger != known.ledger:
        return "replaced" if size else "removed"
    if begin.line.offset + size < known.length:
        return "shorter"
    is_other = None not in (inode, known.inode) and inode != known.inode
    return "copied" if is_other and begin.line.offset < known.length else None
