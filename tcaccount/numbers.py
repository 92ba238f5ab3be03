"""
Checks whether the counters in a ledger add up.  Pure.

Compares the counters of each line with those that are due by the lines before it.  A job that was
in another folder brings its counters from there: those of an opening are believed then.
"""

from collections.abc import Callable, Iterator

from tcclient.ledger import bookings
from tcclient.ledger.counters import NUMBERS, Counters
from tcclient.ledger.fold import Fold, due, told_counters
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.wording import number


class Numbers:
    """
    The counters of all jobs in a ledger, which `fold` has up to the line before.  `may_come`
    returns whether those of a job can have come from another folder.  After lines that were dropped
    a counter may be higher than the lines say.  Where others stand in a file elsewhere
    (`ledger_resumed`), or in the ledger that this one follows, those of an opening decide, and are
    believed until then.  `place` says which line has a number.
    """

    def __init__(
        self, fold: Fold, may_come: Callable[[int], bool], place: Callable[[int], str]
    ) -> None:
        self._place = place
        self._fold = fold
        self._may_come = may_come
        self._uncertain: set[int] = set()
        self._is_resumed = False

    def check(self, line: LedgerLine) -> Iterator[str]:
        """Yield a sentence for each counter in the next line that does not add up."""
        entry, job = line.entry, line.job
        if isinstance(entry, bookings.LinesDropped):
            self._uncertain.update(self._fold.counters)
        match entry:
            case bookings.LedgerResumed() | bookings.LedgerBegin(follows=str()):
                self._is_resumed = True
        found = told_counters(entry)
        if job is None or found is None:
            return
        before = self._fold.counters.get(job)
        is_opening = isinstance(entry, bookings.CaptureOpen)
        carried = is_opening and self._may_come(job)
        if before is not None and not carried and not self._is_resumed:
            yield from self._compare(line.number, job, found, due(before, entry))
        self._uncertain.discard(job)
        self._is_resumed &= not is_opening

    def _compare(self, line: int, job: int, found: Counters, wanted: Counters) -> Iterator[str]:
        """Yield a sentence for each counter of a line that is not what it should be."""
        for name in NUMBERS:
            told, expected = getattr(found, name), getattr(wanted, name)
            if told != expected and not (told > expected and job in self._uncertain):
                yield (
                    f"{self._place(line)} has {name} {number(told)} for job {job}, where the "
                    f"lines before it come to {number(expected)}."
                )
