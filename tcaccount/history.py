"""
What the lines of a ledger say of one job together: when posts were wanted, in which gaps none could
come, and for which keywords they came.  Pure.

Knows the kinds of lines that begin and end these times; knows no file.
"""

from collections.abc import Sequence

import attrs

from tcaccount.intervals import Interval, total, within, without
from tcclient.ledger import entries
from tcclient.ledger.entries import seconds
from tcclient.ledger.gaps import CRASH, LEFT, START, Missing
from tcclient.ledger.lines import LedgerLine


@attrs.frozen
class MissedTime:
    """
    A time in which posts were wanted and could not come, in epoch seconds.  `is_open` says that no
    line tells its end: it lasts at least until the last line of the ledger.
    """

    job: int
    begin: float
    end: float
    cause: str
    detail: str
    keywords: str | None = None
    attempts: int = 0
    status: int | None = None
    explanation: str | None = None
    backfill: int | None = None
    is_open: bool = False

    @property
    def seconds(self) -> float:
        """How long it is; 0.0 if it ends before it begins."""
        return max(0.0, self.end - self.begin)


@attrs.define
class Wording:
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


class JobHistory:
    """
    What happened to one job in one folder, from lines that are taken one after the other.

    Posts are wanted from a `capture_start` to the next `capture_stop`; neither a crash nor a stop
    of the client (`left`) ends that time.  `first` and `last` are when the first and the last line
    were written, in epoch seconds; `ended_because` is why the job does not run now.
    """

    def __init__(self, job: int) -> None:
        self.job = job
        self.first: float | None = None
        self.last = 0.0
        self.wordings: list[Wording] = []
        self.is_running = False
        self.ended_because = ""
        self._begins: list[float] = []
        self._stops: list[float] = []
        self._gaps: list[MissedTime] = []
        self._begun: Missing | None = None
        self._alive = 0.0
        self._is_held = False

    def take(self, line: LedgerLine) -> None:
        """Take the next line that is about this job."""
        entry = line.entry
        self.first = line.at if self.first is None else self.first
        self.last = line.at
        match entry:
            case entries.CaptureOpen():
                self._opened()
            case entries.CaptureClose():
                self._is_held = False
            case entries.CaptureStart():
                self._started(line.at)
            case entries.CaptureStop():
                self._stopped(line.at, entry)
            case entries.Disconnected(overlap=None):
                self._disconnected(line.at, entry)
            case entries.Gap():
                self._missed(entry)
            case entries.Keywords():
                self._asked(line.at, entry)
            case entries.KeywordsInForce():
                self._in_force(seconds(entry.since), entry.text)
            case entries.TermsRefused() if self.wordings:
                self.wordings[-1].refused += entry.refused
        self._heard_of(line)

    def wanted(self, elsewhere: Sequence[Interval] = ()) -> list[Interval]:
        """Return when posts were wanted, less the times when the job was in folders elsewhere."""
        ends = [*self._stops, self.last] if self.is_running else self._stops
        return without(zip(self._begins, ends, strict=True), elsewhere)

    def gaps(self) -> list[MissedTime]:
        """Return the gaps that the ledger has, in its order, and last the one that is open."""
        if self._begun is None:
            return self._gaps
        begun = self._begun
        text = self.wordings[-1].text if self.wordings else None
        end = max(begun.begin, self.last)
        last = MissedTime(self.job, begun.begin, end, begun.cause, begun.detail, text, is_open=True)
        return [*self._gaps, last]

    def missing(self, elsewhere: Sequence[Interval] = ()) -> float:
        """Return how many seconds of the wanted time are in gaps, each counted once."""
        gaps = [(gap.begin, gap.end) for gap in self.gaps()]
        return total(within(gaps, self.wanted(elsewhere)))

    def _opened(self) -> None:
        """Begin a gap if the process before this one did not close the folder."""
        if self._is_held and self.is_running:
            self._begin_gap(Missing(self._alive, CRASH, "the client was killed"))
        self._is_held = True

    def _started(self, at: float) -> None:
        """Have posts wanted from `at` on, if they were not; until they come there is a gap."""
        if not self.is_running:
            self._begins.append(at)
            self._begun = None
        self.is_running = True
        self._begin_gap(Missing(at, START, "the capture was started"))

    def _stopped(self, at: float, stop: entries.CaptureStop) -> None:
        """End the time in which posts are wanted; begin a gap if only the client has stopped."""
        if stop.because == "left":
            self._begin_gap(Missing(_covered(at, stop), LEFT, "the client was stopped"))
            return
        if stop.since is not None:
            at = min(at, seconds(stop.since))
        if self.is_running:
            self._stops.append(max(at, self._begins[-1]))
            for one in self._in_force_now():
                one.end = at
        self.is_running, self.ended_because = False, stop.because
        self._begun = None

    def _disconnected(self, at: float, end: entries.Disconnected) -> None:
        """Begin a gap with the last byte that came, if posts are wanted."""
        if self.is_running and end.cause != "stopped":  # the line of the stop tells of that
            self._begin_gap(Missing(at - (end.silent or 0.0), end.cause, end.detail))

    def _begin_gap(self, begun: Missing) -> None:
        """Begin a gap, unless one is open already, which goes on."""
        self._begun = self._begun or begun

    def _missed(self, gap: entries.Gap) -> None:
        """Take a gap with both ends from its line; none is open after it."""
        self._begun = None
        self._gaps.append(
            MissedTime(
                self.job,
                seconds(gap.begin),
                seconds(gap.end),
                gap.cause,
                gap.detail,
                gap.keywords,
                gap.attempts,
                gap.status,
                gap.explanation,
                gap.backfill,
            )
        )

    def _asked(self, at: float, asked: entries.Keywords) -> None:
        """Add a keyword text, unless it is the last one, which is still being followed."""
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

    def _heard_of(self, line: LedgerLine) -> None:
        """Remember until when this process is known to have run, should it be killed now."""
        entry = line.entry
        if isinstance(entry, entries.File) and entry.recovered:
            if entry.last_arrival is not None:
                self._alive = max(self._alive, seconds(entry.last_arrival))
        elif not isinstance(entry, entries.Torn | entries.LedgerRepaired):
            self._alive = max(self._alive, line.at)


def _covered(at: float, stop: entries.CaptureStop) -> float:
    """Return until when posts came before a stop that was noted at `at`."""
    return at if stop.covered is None else seconds(stop.covered)
