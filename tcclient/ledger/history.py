"""
What the lines of a ledger say of one job together: when posts were wanted, in which gaps none could
come, and for which keywords they came.  Pure.

Knows the kinds of lines that begin and end these times, and leaves gaps to `gaps`; knows no
file.
"""

from collections.abc import Sequence

import msgspec

from tcclient.ledger import bookings, entries
from tcclient.ledger.entries import seconds
from tcclient.ledger.gaps import Coverage, Missing, ReadCoverage
from tcclient.ledger.intervals import Interval, total, within, without
from tcclient.ledger.lines import LedgerLine


class MissedTime(msgspec.Struct, frozen=True):
    """
    A time in which posts were wanted and could not come, and the line about it.  `is_open` says
    that no line tells its end: it is as if it ended with the last line of the ledger.
    """

    job: int
    line: entries.Gap
    is_open: bool = False

    @property
    def begin(self) -> float:
        """When it begins, in epoch seconds."""
        return seconds(self.line.begin)

    @property
    def end(self) -> float:
        """When it ends, in epoch seconds."""
        return seconds(self.line.end)

    @property
    def seconds(self) -> float:
        """How long it is; 0.0 if it ends before it begins."""
        return max(0.0, self.end - self.begin)


class Wording(msgspec.Struct):
    """
    A keyword text: when it was asked for, and from when until when posts came for it, in epoch
    seconds; None where no line says so.  `refused` are the terms that were left out.
    """

    job: int
    text: str | None
    asked: float | None
    begin: float | None = None
    end: float | None = None
    refused: tuple[entries.RefusedTerm, ...] = ()


class JobHistory(msgspec.Struct):
    """
    What happened to one job in one folder, from lines that are taken one after the other.

    Posts are wanted from a `capture_start` to the next `capture_stop`, at `starts` and `stops`;
    neither a crash nor a stop of the client (`left`) ends that time.  `first` and `last` are when
    the first and the last line were written, in epoch seconds; `ended_because` is why the job does
    not run now.  `text` is the keyword text that is wanted, `closed` are the gaps with both ends.
    """

    job: int
    first: float | None = None
    last: float = 0.0
    starts: list[float] = []
    stops: list[float] = []
    ended_because: str = ""
    text: str | None = None
    wordings: list[Wording] = []
    closed: list[MissedTime] = []
    coverage: ReadCoverage = msgspec.field(default_factory=ReadCoverage)

    @property
    def is_running(self) -> bool:
        """Whether posts are wanted now."""
        return len(self.starts) > len(self.stops)

    @property
    def missing(self) -> Missing | None:
        """The gap that is open, or a stop that was not finished; None if there is neither."""
        found = self.coverage.missing
        return None if found is None else msgspec.structs.replace(found, keywords=self.text)

    def take(self, line: LedgerLine) -> None:
        """Take the next line that is about this job."""
        entry = line.entry
        self.first = line.at if self.first is None else self.first
        self.last = line.at
        self.coverage.take(entry, line.at)
        match entry:
            case bookings.CaptureOpen(open_gap=entries.OpenGap(keywords=text)):
                self.text = text
            case entries.CaptureStart() if not self.is_running:
                self.starts.append(line.at)
            case entries.CaptureStop() if entry.because != "left":
                self._stopped(line.at, entry)
            case entries.Gap():
                self.closed.append(MissedTime(self.job, entry))
            case entries.Keywords():
                self._asked(line.at, entry)
            case entries.KeywordsInForce():
                self._in_force(seconds(entry.since), entry.text)
            case entries.TermsRefused() if self.wordings:
                self.wordings[-1].refused += entry.refused

    def wanted(self, elsewhere: Sequence[Interval] = ()) -> list[Interval]:
        """Return when posts were wanted, less the times when the job was in folders elsewhere."""
        ends = [*self.stops, self.last] if self.is_running else self.stops
        return without(zip(self.starts, ends, strict=True), elsewhere)

    def gaps(self) -> list[MissedTime]:
        """Return the gaps that the ledger has, in its order, and last the one that is open."""
        missing = self.missing
        if missing is None:
            return self.closed
        until = self.last if missing.ceased is None else missing.ceased
        line = Coverage(missing).ends(max(until, missing.since))
        if line is None:
            return self.closed
        return [*self.closed, MissedTime(self.job, line, is_open=missing.ceased is None)]

    def missed(self, elsewhere: Sequence[Interval] = ()) -> float:
        """Return how many seconds of the wanted time are in gaps, each counted once."""
        gaps = [(gap.begin, gap.end) for gap in self.gaps()]
        return total(within(gaps, self.wanted(elsewhere)))

    def _stopped(self, at: float, stop: entries.CaptureStop) -> None:
        if stop.since is not None:
            at = min(at, seconds(stop.since))
        if self.is_running:
            self.stops.append(max(at, self.starts[-1]))
            for one in self._in_force_now():
                one.end = at
        self.ended_because, self.text = stop.because, None

    def _asked(self, at: float, asked: entries.Keywords) -> None:
        """Add a keyword text, unless it is the last one, which is still being followed."""
        self.text = asked.after
        last = self.wordings[-1] if self.wordings else None
        if last is None or last.text != asked.after or last.end is not None:
            self.wordings.append(Wording(self.job, asked.after, at, refused=asked.refused))

    def _in_force(self, since: float, text: str | None) -> None:
        """Have posts come for this keyword text from `since` on, and no more for the others."""
        last = self.wordings[-1] if self.wordings else None
        if last is None or last.text != text or last.end is not None:
            last = Wording(self.job, text, None)
            self.wordings.append(last)
        for one in self._in_force_now():
            if one is not last:
                one.end = since
        if last.begin is None:
            last.begin = since

    def _in_force_now(self) -> list[Wording]:
        """Return the keyword texts for which posts come now."""
        return [one for one in self.wordings if one.begin is not None and one.end is None]
