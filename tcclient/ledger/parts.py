"""
The bytes of ledgers, by their ids and by where they lie in the ledgers' lives.

Knows which files have them, and reads them in bounded steps; does not know who wants them.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct, structs

from tcclient.ledger.bookings import LedgerBegin
from tcclient.ledger.segments import begin_of, files
from tcclient.runtime.backwards import unfinished

_STEP = 1 << 20
_ID = re.compile("[A-Za-z0-9_-]{1,64}")
"""What can be the id of a ledger; what else a file says is damaged."""


class LedgerPart(Struct, frozen=True):
    """
    A file with the bytes of a ledger from `offset` up to `end`, counted from its very first; it has
    the number `inode`, and with the next month another name.
    """

    file: Path
    inode: int
    offset: int
    end: int


class LedgerBytes(Struct, frozen=True):
    """
    The bytes of the ledger `id` that are there: its `parts` follow each other without a gap.  Lines
    are appended to one that is `growing`.
    """

    id: str
    parts: tuple[LedgerPart, ...]
    growing: bool = False

    @property
    def begin(self) -> int:
        """Where the bytes begin: later than 0 if older files have been taken away."""
        return self.parts[0].offset

    @property
    def end(self) -> int:
        """Where the bytes end: behind a whole line."""
        return self.parts[-1].end

    def read(self, offset: int, most: int) -> bytes:
        """
        Return the bytes from `offset` on, at most so many, once no power cut can take them away.
        None come from where there are none, or from a file that is another one now.  Raises
        OSError.
        """
        for part in self.parts:
            if part.offset <= offset < part.end:
                with part.file.open("rb") as file:
                    fd = file.fileno()
                    if os.fstat(fd).st_ino == part.inode:
                        os.fsync(fd)
                        return os.pread(fd, min(most, part.end - offset), offset - part.offset)
        return b""

    def sha256(self, begin: int, end: int) -> str:
        """Return the SHA-256 of the bytes from `begin` up to `end`.  Raises OSError."""
        digest = hashlib.sha256()
        while begin < end and (piece := self.read(begin, min(end - begin, _STEP))):
            digest.update(piece)
            begin += len(piece)
        return digest.hexdigest()


class LedgerParts:
    """
    Looks for the ledgers at some paths again and again, and reads no more of them than is new.  To
    be used by one thread at a time.
    """

    def __init__(self) -> None:
        self._known: dict[Path, tuple[tuple[int, ...], list[LedgerBytes]]] = {}
        self.unread: dict[Path, OSError] = {}
        """Why the files at some of the paths could not be read the last time."""

    def look(self, paths: Mapping[Path, int | None]) -> dict[Path, list[LedgerBytes]]:
        """Return the ledgers of each path as ledgers_of() does; its length is that at the path."""
        self.unread = {}
        found = {}
        for path, length in paths.items():
            try:
                found[path] = self._look(path, length)
            except FileNotFoundError:
                self._known.pop(path, None)  # as it is where nothing was captured yet
            except OSError as e:
                self.unread[path] = e
        return found

    def forget(self, path: Path) -> None:
        """Look for the files at a path anew: one of those that were found could not be read."""
        self._known.pop(path, None)

    def _look(self, path: Path, length: int | None) -> list[LedgerBytes]:
        status = path.stat()
        state = status.st_ino, status.st_size, -1 if length is None else length
        known, ledgers = self._known.get(path, ((), []))
        if known == state:
            return ledgers
        if known[:1] == state[:1] and ledgers and ledgers[-1].growing:
            *others, growing = ledgers
            *parts, last = growing.parts
            newest = _part(path, last.offset, length)
            ledgers = [*others, structs.replace(growing, parts=(*parts, newest))]
        else:
            ledgers = sorted(ledgers_of(path, length), key=lambda one: one.growing)
        self._known[path] = state, ledgers
        return ledgers


def ledgers_of(path: Path, length: int | None = None) -> list[LedgerBytes]:
    """
    Return the ledgers whose lines are, or were, appended to the file at `path`, the oldest first.
    Where somebody has it open, `length` is how long its ledger is in whole lines; else the file
    tells.  A file that says nothing of a ledger is left out.  Raises OSError.
    """
    there = [file for file in files(path) if file.exists()]
    begins = {file: _first_line(file) for file in there}
    found: dict[str, list[LedgerPart]] = {}
    for file, then in zip(there, [*there[1:], None], strict=True):
        begin = begins[file] or _counted_in(file, None if then is None else begins[then])
        if begin is not None:
            known = length if file == path else None
            found.setdefault(begin.ledger, []).append(_part(file, begin.offset, known))
    newest = begins.get(path)
    growing = None if newest is None else newest.ledger
    return [
        LedgerBytes(id, _joined(parts), id == growing)
        for id, parts in found.items()
        if _ID.fullmatch(id)
    ]


def _first_line(file: Path) -> LedgerBegin | None:
    begin = begin_of(file)
    return None if begin is None else begin.line


def _counted_in(file: Path, then: LedgerBegin | None) -> LedgerBegin | None:
    """
    Return how a file would have begun that does not say so, as it is of a release whose ledgers had
    no ids, if the next one counts its bytes, and no others, before its own.
    """
    if then is not None and (then.before, then.offset) == (file.name, file.stat().st_size):
        return LedgerBegin(ledger=then.ledger)
    return None


def _part(file: Path, offset: int, length: int | None) -> LedgerPart:
    """Return a file's part; without the length of the ledger it ends where a whole line does."""
    with file.open("rb") as content:
        fd = content.fileno()
        status = os.fstat(fd)
        end = offset + status.st_size - unfinished(fd) if length is None else length
    return LedgerPart(file, status.st_ino, offset, end)


def _joined(parts: Iterable[LedgerPart]) -> tuple[LedgerPart, ...]:
    """Return the newest of the parts, as many as follow each other without a gap."""
    ordered = sorted(parts, key=lambda part: part.offset)
    joined = [ordered.pop()]
    while ordered and ordered[-1].end == joined[0].offset:
        joined.insert(0, ordered.pop())
    return tuple(joined)
