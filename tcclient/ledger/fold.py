"""
What the lines of a ledger say together: the one interpreter, for recovery and for accounts.  Pure.

Its state can be stored, and goes on from there when there are more lines.  Knows the kinds of lines
that every capture has; passes over those of sources, and of newer clients.

A client that starts has no stored state, and must not read the lines of months first.  So it reads
backwards to the newest line at which all is known of its job (resumed()): that is the newest
`capture_open` if the capture was running then, and otherwise not far before.
"""

from collections.abc import Iterable

import msgspec
from msgspec import structs

from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry
from tcclient.ledger.history import JobHistory, MissedTime, Wording
from tcclient.ledger.lines import AnyLine, CutLine, ForeignLine, LedgerLine, UnreadableLine


class Total(msgspec.Struct):
    """How many lines of a kind there are, and what they add up to: posts, lines, bytes, seconds."""

    lines: int = 0
    amount: float = 0.0


class Fold(msgspec.Struct):
    """
    All that the lines of a ledger say together, up to the first `offset` bytes, which are `number`
    lines.  `jobs` and `counters` are by the job's id, `totals` by the kind of line.  `clock_steps`
    are when the clock was set, in epoch seconds, and by how many seconds.  `damaged` is how many
    lines are not as any kind of line should be.
    """

    offset: int = 0
    number: int = 0
    jobs: dict[int, JobHistory] = {}
    counters: dict[int, Counters] = {}
    totals: dict[str, Total] = {}
    clock_steps: list[tuple[float, float]] = []
    damaged: int = 0

    def encode(self) -> bytes:
        """Return the state as JSON."""
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, stored: bytes) -> "Fold":
        """Return the state that encode() returned.  Raises msgspec.MsgspecError if it is none."""
        return msgspec.json.decode(stored, type=cls)

    def take(self, line: AnyLine) -> None:
        """Take the next line.  One that is still being written comes again when it is whole."""
        if isinstance(line, CutLine):
            return
        self.offset += line.bytes
        self.number += 1
        if isinstance(line, UnreadableLine):
            self.damaged += not isinstance(line, ForeignLine)
        else:
            self._count(line)
            if isinstance(line.entry, bookings.CaptureOpen):
                for history in self.jobs.values():
                    if history.job != line.job:  # its process has ended, too
                        history.coverage.opened(line.entry.boot)
            if line.job is not None:
                self._tell(line.job, line)

    def total(self, kind: str) -> Total:
        """Return what the lines of a kind add up to."""
        return self.totals.get(kind, Total())

    def gaps(self) -> list[MissedTime]:
        """Return the gaps of all jobs, in order of their beginnings."""
        found = [gap for history in self.jobs.values() for gap in history.gaps()]
        return sorted(found, key=lambda gap: gap.begin)

    def wordings(self) -> list[Wording]:
        """Return the keyword texts of all jobs, job by job."""
        return [wording for history in self.jobs.values() for wording in history.wordings]

    def _count(self, line: LedgerLine) -> None:
        """Count a line, and add what it says if that is an amount."""
        total = self.totals.setdefault(line.entry.kind, Total())
        total.lines += 1
        match line.entry:
            case (
                bookings.NotStored(posts=amount)
                | bookings.LinesDropped(lines=amount)
                | bookings.LedgerRepaired(cut_bytes=amount)
                | bookings.DiskRecovered(after=amount)
                | bookings.Sleep(seconds=amount)
                | entries.DeliveredAgain(posts=amount, kept=False)
            ):
                total.amount += amount
            case bookings.CameBack(posts=amount):
                self.totals.setdefault("not_stored", Total()).amount -= amount
            case bookings.ClockStep(seconds=step):
                self.clock_steps.append((line.at, step))

    def _tell(self, job: int, line: LedgerLine) -> None:
        """Take a line about a job."""
        if job not in self.jobs:
            self.jobs[job] = JobHistory(job)
        self.jobs[job].take(line)
        before = self.counters.get(job)
        counters = told_counters(line.entry) or (before and due(before, line.entry))
        if counters is not None:
            self.counters[job] = counters


def told_counters(entry: Entry) -> Counters | None:
    """Return the counters that a line has; None if it has none."""
    found: Counters | None = getattr(entry, "counters", None)
    return found


def due(before: Counters, entry: Entry) -> Counters:
    """Return what the counters are after a line, from those before it."""
    if isinstance(entry, bookings.Counted):
        before = structs.replace(before, settled=before.settled + entry.count)
    match entry:
        case bookings.NotStored(posts=posts, counted=True) | bookings.File(posts=posts):
            return structs.replace(before, posts=before.posts + posts)
        case bookings.CameBack(posts=posts):
            return structs.replace(before, posts=before.posts - posts)
        case bookings.Update(count=count):
            return structs.replace(before, settled=before.settled + count)
        case bookings.Base(raised_by=more):
            return structs.replace(before, base=before.base + more)
    return before


BOOT, COVERAGE, DISK, TEXT, COUNTERS = "boot", "coverage", "disk", "text", "counters"
EVERYTHING = frozenset({BOOT, COVERAGE, DISK, TEXT, COUNTERS})
"""What has to be known of a job when the client starts; DISK is whether that took posts."""


def resumed(newest_first: Iterable[AnyLine], job: int) -> Fold:
    """
    Return what follows for a job from the newest lines of a ledger, of which no more are taken than
    needed.  Its gap, keyword text and counters are then as after all lines.
    """
    unknown = set(EVERYTHING)
    newest: list[AnyLine] = []
    for line in newest_first:
        newest.append(line)
        if isinstance(line, LedgerLine):
            unknown -= known_after(line.entry, unknown, is_own=line.job == job)
            if not unknown:
                break
    return _folded(newest)


def newest_counters(newest_first: Iterable[AnyLine], job: int | None = None) -> dict[int, Counters]:
    """
    Return the counters of a job, by default the one whose counters a line had last, by its id.
    Nothing if no line has any.
    """
    newest: list[LedgerLine] = []
    for line in newest_first:
        if isinstance(line, LedgerLine) and line.job is not None and job in (None, line.job):
            newest.append(line)
            if told_counters(line.entry) is not None:
                return _folded(one for one in newest if one.job == line.job).counters
    return {}


def _folded(newest_first: Iterable[AnyLine]) -> Fold:
    fold = Fold()
    for line in reversed(list(newest_first)):
        fold.take(line)
    return fold


def known_after(entry: Entry, unknown: set[str], *, is_own: bool) -> set[str]:
    """
    Return what of `unknown` is known of a job after a line, of its own or of another one, if all
    later lines are known.
    """
    known = {COUNTERS} if is_own and told_counters(entry) is not None else set()
    match entry:
        case bookings.CaptureOpen():
            if is_own and entry.open_gap is not None:
                known |= {COVERAGE, TEXT}
            if COVERAGE not in unknown - known:  # or a process is heard that began before
                known |= {BOOT, DISK}
        case _ if not is_own:
            pass
        case entries.CaptureStop() if entry.because != "left":
            known |= {COVERAGE, TEXT}
        case entries.Gap():
            known.add(COVERAGE)
        case bookings.DiskTrouble() | bookings.DiskRecovered() | entries.CaptureStart():
            if COVERAGE not in unknown:  # or what an earlier process met counts as well
                known.add(DISK)
        case entries.Keywords():
            known.add(TEXT)
    return known
