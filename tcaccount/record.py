"""
What the lines of a capture's ledger say together.  Pure.

Knows which lines are rare (gaps, files, keywords), keeps these one by one, and counts the others;
does not know what follows from them for a report.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from tcaccount.history import JobHistory, MissedTime, Wording
from tcaccount.index import Index
from tcaccount.intervals import Interval, merged
from tcclient.ledger import entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.lines import AnyLine, CutLine, LedgerLine, UnreadableLine
from tcclient.sources.source import SourceReport


@attrs.frozen
class Booked:
    """
    A finished file as the ledger has it: `number` is that of the line, `job` the job that the line
    is about, `entry` what the line says.
    """

    number: int
    job: int | None
    entry: entries.File | entries.Adopted

    @property
    def is_adopted(self) -> bool:
        """Whether the file is older than the ledger."""
        return isinstance(self.entry, entries.Adopted)


@attrs.define
class Record:
    """
    All that the ledger of a folder says.

    `reports` are those of the sources.  `jobs` and `counters` are by the job's id; `counts` has the
    number of lines of each kind, `sums` what some kinds add up to: posts, lines or bytes.
    `to_adopt` are the older files that no client has read yet.  `clock_steps` are when the clock
    was set, in epoch seconds, and by how many seconds.  `disk_seconds` is for how long the disk
    took no posts, in `disk_ended` times whose end is known.
    """

    reports: Sequence[SourceReport] = ()
    jobs: dict[int, JobHistory] = attrs.Factory(dict)
    counters: dict[int, Counters] = attrs.Factory(dict)
    files: list[Booked] = attrs.Factory(list)
    to_adopt: set[str] = attrs.Factory(set)
    torn: list[entries.Torn] = attrs.Factory(list)
    unreadable: list[UnreadableLine] = attrs.Factory(list)
    cut: CutLine | None = None
    counts: Counter[str] = attrs.Factory(Counter)
    sums: Counter[str] = attrs.Factory(Counter)
    clock_steps: list[tuple[float, float]] = attrs.Factory(list)
    disk_seconds: float = 0.0
    disk_ended: int = 0

    def take(self, line: LedgerLine | UnreadableLine | CutLine) -> None:
        """Take the next line of the ledger."""
        if isinstance(line, UnreadableLine):
            self.unreadable.append(line)
        elif isinstance(line, CutLine):
            self.cut = line
        else:
            self.counts[line.entry.kind] += 1
            self._count(line)
            for report in self.reports:
                report.take(line)
            if line.job is not None:
                self.jobs.setdefault(line.job, JobHistory(line.job)).take(line)
                counters = getattr(line.entry, "counters", None)
                if counters is not None:
                    self.counters[line.job] = counters

    def gaps(self) -> list[MissedTime]:
        """Return the gaps of all jobs, in order of their beginnings."""
        found = [gap for history in self.jobs.values() for gap in history.gaps()]
        return sorted(found, key=lambda gap: gap.begin)

    def wanted(self, index: Index, name: str) -> list[Interval]:
        """Return when posts were wanted for any job in the folder `name`, without overlaps."""
        return merged(
            one
            for history in self.jobs.values()
            for one in history.wanted(index.elsewhere(history.job, name))
        )

    def wordings(self) -> list[Wording]:
        """Return the keyword texts of all jobs, job by job."""
        return [wording for history in self.jobs.values() for wording in history.wordings]

    def posts(self, *, adopted: bool) -> int:
        """Return the number of posts in the finished files that were adopted, or in the others."""
        return sum(one.entry.posts for one in self.files if one.is_adopted is adopted)

    def _count(self, line: LedgerLine) -> None:
        """Keep or add what a line says, if it is of a kind that tells more than that it is."""
        match line.entry:
            case entries.File() | entries.Adopted():
                self.files.append(Booked(line.number, line.job, line.entry))
                self.to_adopt.discard(line.entry.name)
            case entries.Adopting(names=names):
                self.to_adopt.update(names)
            case entries.Torn():
                self.torn.append(line.entry)
            case entries.NotStored(posts=posts):
                self.sums["not_stored"] += posts
            case entries.LinesDropped(lines=dropped):
                self.sums["lines_dropped"] += dropped
            case entries.LedgerRepaired(cut_bytes=size):
                self.sums["ledger_repaired"] += size
            case entries.ClockStep(seconds=step):
                self.clock_steps.append((line.at, step))
            case entries.DiskRecovered(after=after):
                self.disk_seconds += after
                self.disk_ended += 1


def record(lines: Iterable[AnyLine], reports: Sequence[SourceReport] = ()) -> Record:
    """Return what all lines of a ledger say together."""
    result = Record(reports)
    for line in lines:
        result.take(line)
    return result
