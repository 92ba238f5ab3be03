"""
The files of one ledger: the one that lines are appended to, and those of the months before it.

Knows their names and their order, which the first line of each tells; appends nothing.
"""

import hashlib
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, structs

from tcclient.ledger.bookings import LedgerBegin
from tcclient.ledger.lines import LedgerLine, line
from tcclient.ledger.vocabulary import COMMON
from tcclient.runtime.backwards import lines_backwards

ENDING = ".jsonl"

_LONGEST_FIRST = 4096
"""Bytes in which the first line of a file has to end, if it says how the file begins."""

_MONTH = r"\.\d{4}-\d\d(_\d+)?"

_FILE = re.compile(rf"(.*\.ledger)({_MONTH})?{re.escape(ENDING)}", re.DOTALL)
"""The name of a file of a ledger."""


def month(seconds: float) -> str:
    """Return the month of epoch seconds in UTC, as the names of files have it: `2026-11`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m")


class Begin(Struct, frozen=True):
    """How a file of a ledger begins: its first line, and when that was written, epoch seconds."""

    line: LedgerBegin
    at: float


def read_begin(fd: int) -> Begin | None:
    """
    Return how an open file of a ledger begins; None if it does not say so, as those that releases
    before 2.0 have begun do not.  Raises OSError.
    """
    first, newline, _ = os.pread(fd, _LONGEST_FIRST, 0).partition(b"\n")
    match line(1, first, COMMON):
        case LedgerLine(at=at, entry=LedgerBegin() as begin) if newline:
            return Begin(begin, at)
    return None


def begin_of(path: Path) -> Begin | None:
    """Return how the file at `path` begins; None if it does not say so.  Raises OSError."""
    with path.open("rb") as file:
        return read_begin(file.fileno())


def finished(path: Path) -> list[Path]:
    """
    Return the files of the months before, of the ledger whose lines are appended to the file at
    `path`; the oldest first.  Raises OSError.
    """
    with os.scandir(path.parent) as listing:
        found = [_FILE.fullmatch(one.name) for one in listing if _is_ledger(one)]
    names = sorted(one[0] for one in found if one and one[2] and one[1] == _stem(path))
    chain: list[str] = []
    name: str | None = path.name if path.is_file() else None
    while name is not None and name not in chain:
        chain.append(name)
        begin = begin_of(path.with_name(name))
        name = begin.line.before if begin is not None and begin.line.before in names else None
    # What no later file names, as one that was put back, comes before all others.
    ordered = [*(one for one in names if one not in chain), *reversed(chain[1:])]
    return [path.with_name(one) for one in ordered]


def files(path: Path) -> list[Path]:
    """
    Return all files of a ledger, the oldest first.  That at `path`, which need not exist, is only
    left out if others are there: somebody has removed it, or a crash came while it was begun.
    Raises OSError.
    """
    months = finished(path)
    return months if months and not path.is_file() else [*months, path]


def ledgers(folder: Path) -> set[Path]:
    """Return where the lines are appended of each ledger in a folder.  Raises OSError."""
    with os.scandir(folder) as listing:
        names = [one.name for one in listing if _is_ledger(one)]
    named = map(_FILE.fullmatch, names)
    return {folder / f"{one[1]}{ENDING}" for one in named if one is not None}


def behind(path: Path, first: LedgerBegin) -> LedgerBegin:
    """
    Return the first line of a file at `path` that nothing was at, with what comes before it: if
    months are left, somebody has removed the newest file.  Raises OSError.
    """
    months = finished(path)
    if not months:
        return first
    with months[-1].open("rb") as last:
        begin = read_begin(last.fileno())
        if begin is not None and first.follows is None:
            first = structs.replace(first, follows=begin.line.ledger, because="removed")
        return structs.replace(first, before=months[-1].name, sha256=digest(last.fileno()))


def free_name(path: Path, stamp: str) -> Path:
    """Return the name that the file at `path` has when it is finished, in the month `stamp`."""
    name = path.with_name(f"{_stem(path)}.{stamp}{ENDING}")
    place = 0
    while name.exists():
        name = path.with_name(f"{_stem(path)}.{stamp}_{place:02d}{ENDING}")
        place += 1
    return name


def begun_name(path: Path) -> Path:
    """Return the name of a file that is about to take the place of that at `path`."""
    return path.with_name(f".{path.name}.new")


def end_rotation(path: Path) -> None:
    """
    Give the file that was begun for a new month its name, if the one before has gone already.
    Raises OSError.
    """
    with suppress(FileNotFoundError):
        if not path.exists():
            begun_name(path).rename(path)


def month_of(fd: int, begin: Begin | None, now: float) -> str:
    """
    Return the month that the lines of an open file are of, as its first line says, or else the
    last; that of `now` where none says it.  Raises OSError.
    """
    if begin is not None:
        return month(begin.at)
    newest = (line(-1, raw, COMMON) for raw in lines_backwards(fd))
    return month(next((one.at for one in newest if isinstance(one, LedgerLine)), now))


def digest(fd: int) -> str:
    """Return the SHA-256 of an open file, in hexadecimal.  Raises OSError."""
    with open(fd, "rb", closefd=False) as file:
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_ledger(one: "os.DirEntry[str]") -> bool:
    """Return whether this may be a ledger: nothing else of that name, such as a FIFO, is opened."""
    return one.name.endswith(ENDING) and one.is_file()


def _stem(path: Path) -> str:
    return path.name.removesuffix(ENDING)
