"""
What the lines of a capture's ledger say together, and what an account lists one by one.  Pure.

Knows which lines are listed: files, and what cannot be read; does not know what follows from them
for a report.
"""

from collections.abc import Iterable, Sequence

import attrs
from msgspec import field, structs

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


class Record(Fold, kw_only=True):
    """
    All that the ledger of a folder says.

    `reports` are those of the sources.  `to_adopt` are the older files that no client has read yet.
    `keeps_again` is whether posts that came again were stored again, as the settings asked for.  If
    it `is_brief` the lines of files are without hashes and ids, which only tables show and only
    --verify compares: a year has 50,000 files.
    """

    reports: Sequence[SourceReport] = ()
    files: list[Booked] = field(default_factory=list)
    to_adopt: set[str] = field(default_factory=set)
    torn: list[bookings.Torn] = field(default_factory=list)
    keeps_again: bool = False
    is_brief: bool = False
    unreadable: list[UnreadableLine] = field(default_factory=list)
    cut: CutLine | None = None

    def take(self, line: AnyLine) -> None:
        """Take the next line of the ledger."""
        super().take(line)
        if isinstance(line, UnreadableLine):
            self.unreadable.append(line)
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

    def posts(self, *, adopted: bool) -> int:
        """Return the number of posts in the finished files that were adopted, or in the others."""
        return sum(one.entry.posts for one in self.files if one.is_adopted is adopted)

    def _listed(self, entry: bookings.File | bookings.Adopted) -> bookings.File | bookings.Adopted:
        if not self.is_brief or isinstance(entry, bookings.Adopted):
            return entry
        return structs.replace(entry, counters=None, sha256=None, first_id=None, last_id=None)

    def _list(self, line: LedgerLine) -> None:
        """Keep a line that is listed."""
        match line.entry:
            case bookings.File() | bookings.Adopted():
                self.files.append(Booked(line.number, line.at, line.job, self._listed(line.entry)))
                self.to_adopt.discard(line.entry.name)
            case bookings.Adopting(names=names):
                self.to_adopt.update(names)
            case bookings.Torn():
                self.torn.append(line.entry)
            case DeliveredAgain(kept=True):
                self.keeps_again = True


def record(
    lines: Iterable[AnyLine], reports: Sequence[SourceReport] = (), *, is_brief: bool = False
) -> Record:
    """Return what all lines of a ledger say together."""
    result = Record(reports=reports, is_brief=is_brief)
    for line in lines:
        result.take(line)
    return result
