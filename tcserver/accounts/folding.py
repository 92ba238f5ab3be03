"""
What the bytes of a ledger say, taken piece by piece: the state between two pieces.  Pure.

Knows where lines end, and leaves what they say to the account; knows no table.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import attrs
import msgspec
from msgspec import Struct

from tcaccount.index import Outage
from tcaccount.parts import AccountParts, detach
from tcaccount.reading import Reading
from tcaccount.record import Record
from tcclient.ledger.bookings import CaptureOpen, JobFolder, LedgerBegin
from tcclient.ledger.entries import ServerAnswers
from tcclient.ledger.lines import AnyLine, LedgerLine, UnreadableLine, line, too_long
from tcclient.runtime.backwards import MOST_BYTES

FOLD_VERSION = 2
"""
Of the state and of what it means: it rises with each change of either, which a test holds to it.
States of an earlier version are made anew, from the bytes.
"""
READING = Reading.of()
_NAME = re.compile("[A-Za-z0-9_-]{1,64}")


class FileLink(Struct, frozen=True):
    """That the bytes of a ledger from `begin` up to `end`, its file `name`, have this SHA-256."""

    begin: int
    end: int
    name: str
    sha256: str | None


class FoldState(Struct):
    """
    What the lines up to `position` say together; `told` is what the sources' reports have of them.

    Of a line that is longer than any `skipped` bytes are behind.  `folder` is that of the capture;
    the ledger's present file began at byte `file`.
    """

    record: Record
    told: list[Any]
    folder: str = ""
    skipped: int = 0
    file: int = 0

    @classmethod
    def empty(cls) -> "FoldState":
        """Return the state before the first line."""
        return cls(Record(), [])

    def encode(self) -> bytes:
        """Return the state as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, stored: bytes) -> "FoldState":
        """Return the state that encode() returned."""
        return msgspec.json.decode(stored, type=cls)

    @property
    def position(self) -> int:
        """How many bytes of the ledger are taken."""
        return self.record.offset + self.skipped

    def followed(self) -> "FoldState":
        """Return the state in which a ledger begins that follows this one."""
        state = self.decode(self.encode())
        state.record.offset = state.skipped = state.file = 0
        return state


@attrs.define
class Folding:
    """
    Takes the bytes that follow a state, and changes it.  `jobs` are those that something happened
    to, `outages` is when the capture server failed, and `links` what is to be true of the bytes.
    """

    state: FoldState
    jobs: set[int] = attrs.Factory(set)
    outages: list[Outage] = attrs.Factory(list)
    links: list[FileLink] = attrs.Factory(list)

    def take(self, data: bytes) -> AccountParts:
        """
        Take the bytes from the position on, and return what is settled.  The last line waits for
        its end, unless it is longer than any line is.
        """
        record = self.state.record
        record.reports = READING.reports(self.state.told)
        for one in self._lines(data):
            if isinstance(one, LedgerLine):
                self._look(one)
            record.take(one)
        self.state.told = READING.told(record.reports)
        record.reports = ()
        return detach(record)

    def _lines(self, data: bytes) -> Iterator[AnyLine]:
        """Yield the lines that end in the data."""
        state, begin = self.state, 0
        while (end := data.find(b"\n", begin) + 1) > 0:
            number, length = state.record.number + 1, state.skipped + end - begin
            if length > MOST_BYTES:
                state.skipped = 0
                yield too_long(number, length)
            else:
                yield _storable(line(number, data[begin:end], READING.vocabulary))
            begin = end
        if state.skipped or len(data) - begin >= MOST_BYTES:
            state.skipped += len(data) - begin

    def _look(self, one: LedgerLine) -> None:
        """Keep what a line says of the ledger itself, and of the server."""
        state = self.state
        if one.job is not None and not isinstance(one.entry, JobFolder):
            self.jobs.add(one.job)
        match one.entry:
            case CaptureOpen(name=name):
                state.folder = name
            case ServerAnswers(doing=doing, after=after):
                self.outages.append(Outage(doing, one.at, after))
            case LedgerBegin(before=str(name), follows=None) as begin:
                here = state.record.offset
                self.links.append(FileLink(state.file, here, name, begin.sha256))
                if begin.offset != here:
                    self.links.append(FileLink(here, begin.offset, name, None))
                state.file = here


def _storable(one: LedgerLine | UnreadableLine) -> LedgerLine | UnreadableLine:
    """Return a line, as one that cannot be read if it has text or numbers that JSON has not."""
    try:
        msgspec.json.encode(one)
    except (ValueError, OverflowError):
        return UnreadableLine(one.number, "has text or numbers that are none", one.bytes)
    return one


def begin_of(data: bytes) -> tuple[float, str]:
    """
    Return when a ledger was begun, in epoch seconds, and the id of the one that it follows, "" for
    none; 0.0 where its first line does not say it.
    """
    match line(1, data[: data.find(b"\n") + 1], READING.vocabulary):
        case LedgerLine(at=at, entry=LedgerBegin(follows=name)):
            return at, name if name and _NAME.fullmatch(name) else ""
    return 0.0, ""


def broken(link: FileLink, data: Iterator[bytes]) -> str | None:
    """Return a sentence if a link does not hold; `data` are the bytes that it is about."""
    if link.sha256 is None:
        return f"A file of the ledger begins at byte {link.begin}, and says {link.end}."
    found = hashlib.sha256()
    for piece in data:
        found.update(piece)
    if found.hexdigest() == link.sha256:
        return None
    return f"{link.name} is not what was written: its SHA-256 is another one."
