"""
What the lines of a capture's ledger say together.  Pure.

Holds what is rare (gaps, files, keywords) line by line, and counts what is not.
"""

from collections import Counter
from collections.abc import Iterable

import attrs

from tcaccount.history import Gap, JobHistory, Wording
from tcaccount.index import Index
from tcaccount.intervals import Interval, merged
from tcaccount.lines import Line, Torn, Unreadable
from tcclient.ledger import entries
from tcclient.ledger.counters import Account


@attrs.frozen
class Booked:
    """A finished file as the ledger has it: by which line, of which job, and what of it."""

    number: int
    job: int | None
    entry: entries.File | entries.Adopted

    @property
    def is_adopted(self) -> bool:
        """Whether it stood there before the ledger."""
        return isinstance(self.entry, entries.Adopted)


@attrs.define
class _Undelivered:
    """v1.1's running estimates: each opening of the folder begins one."""

    before: int = 0
    now: int = 0

    def opened(self) -> None:
        self.before, self.now = self.before + self.now, 0


@attrs.define
class Record:
    """All that is known of a folder from its ledger."""

    jobs: dict[int, JobHistory] = attrs.Factory(dict)
    accounts: dict[int, Account] = attrs.Factory(dict)
    files: list[Booked] = attrs.Factory(list)
    to_adopt: set[str] = attrs.Factory(set)
    torn: list[entries.Torn] = attrs.Factory(list)
    unreadable: list[Unreadable] = attrs.Factory(list)
    cut: Torn | None = None
    counts: Counter[str] = attrs.Factory(Counter)
    sums: Counter[str] = attrs.Factory(Counter)
    clock_steps: list[tuple[float, float]] = attrs.Factory(list)
    disk_seconds: float = 0.0
    disk_ended: int = 0
    _undelivered: _Undelivered = attrs.Factory(_Undelivered)

    def take(self, line: Line | Unreadable | Torn) -> None:
        """The next line of the ledger."""
        if isinstance(line, Unreadable):
            self.unreadable.append(line)
        elif isinstance(line, Torn):
            self.cut = line
        else:
            self.counts[line.entry.kind] += 1
            self._count(line)
            if line.job is not None:
                self.jobs.setdefault(line.job, JobHistory(line.job)).take(line)
                account = getattr(line.entry, "account", None)
                if account is not None:
                    self.accounts[line.job] = account

    @property
    def undelivered(self) -> int:
        """v1.1: how many posts matched and were not delivered, by estimate."""
        return self._undelivered.before + self._undelivered.now

    def gaps(self) -> list[Gap]:
        """Of all jobs, by their beginning."""
        found = [gap for history in self.jobs.values() for gap in history.gaps()]
        return sorted(found, key=lambda gap: gap.begin)

    def wanted(self, index: Index, name: str) -> list[Interval]:
        """When any job wanted posts in the folder `name`."""
        return merged(
            one
            for history in self.jobs.values()
            for one in history.wanted(index.elsewhere(history.job, name))
        )

    def wordings(self) -> list[Wording]:
        """Of all jobs, each in order."""
        return [wording for history in self.jobs.values() for wording in history.wordings]

    def posts(self, *, adopted: bool) -> int:
        """In the finished files that were adopted, or in the others."""
        return sum(one.entry.posts for one in self.files if one.is_adopted is adopted)

    def _count(self, line: Line) -> None:
        match line.entry:
            case entries.File() | entries.Adopted():
                self.files.append(Booked(line.number, line.job, line.entry))
                self.to_adopt.discard(line.entry.name)
            case entries.Adopting(names=names):
                self.to_adopt.update(names)
            case entries.Torn():
                self.torn.append(line.entry)
            case entries.Limit(undelivered=estimate):
                self._undelivered.now = estimate
            case entries.CaptureOpen():
                self._undelivered.opened()
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


def record(lines: Iterable[Line | Unreadable | Torn]) -> Record:
    """Of all lines of a ledger."""
    result = Record()
    for line in lines:
        result.take(line)
    return result
