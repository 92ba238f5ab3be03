"""
What the lines of a capture's ledger say together, and what an account lists one by one.  Pure.

Knows which lines are listed: files, and what cannot be read; does not know what follows from them
for a report.
"""

from collections.abc import Iterable, Sequence

import attrs
from msgspec import Struct, field, structs

from tcaccount.index import Index
from tcclient.ledger import bookings
from tcclient.ledger.entries import DeliveredAgain
from tcclient.ledger.fold import Fold
from tcclient.ledger.intervals import Interval, merged
from tcclient.ledger.lines import AnyLine, CutLine, LedgerLine, UnreadableLine
from tcclient.sources.source import SourceReport


@attrs.frozen
class Booked:
    """
    A finished file as the ledger has it: `number` is that of the line, `at` when it was written,
    `job` the job that the line is about, `entry` what the line says.
    """

    number: int
    at: float
    job: int | None
    entry: bookings.File | bookings.Adopted

    @property
    def is_adopted(self) -> bool:
        """Whether the file is older than the ledger."""
        return isinstance(self.entry, bookings.Adopted)


class StoredFiles(Struct):
    """How many finished files one job has, adopted ones or others, and how many posts in them."""

    job: int | None
    adopted: bool
    files: int = 0
    posts: int = 0


COMPARED = ("counters", "sha256", "first_id", "last_id")
"""Members of the lines of files that only tables show, and only --verify compares."""

LISTED = (*COMPARED, "first_arrival", "last_arrival")
"""Those that a summary does not need either: these are for pictures."""


class Record(Fold, kw_only=True):
    """
    All that the ledger of a folder says.

    `reports` are those of the sources.  `to_adopt` are the older files that no client has read yet,
    `foreign` the temporary names of files that somebody else has made.
    `keeps_again` is whether posts that came again were stored again, as the settings asked for.
    The lines of files are kept `without` these members: a year has 50,000 files.  `stored` has
    their sums, and `unread` is how many lines cannot be read.
    """

    reports: Sequence[SourceReport] = ()
    files: list[Booked] = field(default_factory=list)
    stored: list[StoredFiles] = field(default_factory=list)
    to_adopt: set[str] = field(default_factory=set)
    torn: list[bookings.Torn] = field(default_factory=list)
    foreign: set[str] = field(default_factory=set)
    keeps_again: bool = False
    without: Sequence[str] = ()
    unreadable: list[UnreadableLine] = field(default_factory=list)
    unread: int = 0
    cut: CutLine | None = None

    def take(self, line: AnyLine) -> None:
        super().take(line)
        if isinstance(line, UnreadableLine):
            self.unreadable.append(line)
            self.unread += 1
        elif isinstance(line, CutLine):
            self.cut = line
        else:
            self._list(line)
            for report in self.reports:
                report.take(line)

    def wanted(self, index: Index, name: str) -> list[Interval]:
        """Return when posts were wanted for any job in the folder `name`, without overlaps."""
        return merged(
            one
            for history in self.jobs.values()
            for one in history.wanted(index.elsewhere(history.job, name))
        )

    def finished(self, *, adopted: bool) -> int:
        """Return the number of finished files that were adopted, or of the others."""
        return sum(one.files for one in self.stored if one.adopted is adopted)

    def posts(self, *, adopted: bool) -> int:
        """Return the number of posts in the finished files that were adopted, or in the others."""
        return sum(one.posts for one in self.stored if one.adopted is adopted)

    def _book(self, booked: Booked) -> None:
        self.files.append(booked)
        self.to_adopt.discard(booked.entry.name)
        for one in self.stored:
            if (one.job, one.adopted) == (booked.job, booked.is_adopted):
                break
        else:
            one = StoredFiles(booked.job, booked.is_adopted)
            self.stored.append(one)
        one.files += 1
        one.posts += booked.entry.posts

    def _listed(self, entry: bookings.File | bookings.Adopted) -> bookings.File | bookings.Adopted:
        if isinstance(entry, bookings.Adopted):
            return entry
        return structs.replace(entry, **dict.fromkeys(self.without))

    def _list(self, line: LedgerLine) -> None:
        match line.entry:
            case bookings.File() | bookings.Adopted():
                self._book(Booked(line.number, line.at, line.job, self._listed(line.entry)))
            case bookings.Adopting(names=names):
                self.to_adopt.update(names)
            case bookings.Torn():
                self.torn.append(line.entry)
            case bookings.NameTaken(file=name, inode=int()):
                self.foreign.add(name)
            case DeliveredAgain(kept=True):
                self.keeps_again = True


def record(
    lines: Iterable[AnyLine], reports: Sequence[SourceReport] = (), without: Sequence[str] = ()
) -> Record:
    """Return what all lines of a ledger say together."""
    result = Record(reports=reports, without=without)
    for line in lines:
        result.take(line)
    return result
