"""
Checks whether the counters in a ledger add up.  Pure.

Compares the counters of each line with those before, and what happened in between.  Knows the kinds
of lines that change counters.  A job that was in another folder brings its counters from there:
those of an opening are believed then.
"""

from collections.abc import Callable, Iterator

import attrs

from tcclient.ledger import entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.wording import number

_NAMES = tuple(field.name for field in attrs.fields(Counters))


class Numbers:
    """
    The counters of all jobs in a ledger.  `may_come` returns whether those of a job can have come
    from another folder.  After lines that were dropped a counter may be higher than the lines say.
    """

    def __init__(self, may_come: Callable[[int], bool]) -> None:
        self._may_come = may_come
        self._known: dict[int, Counters] = {}
        self._uncertain: set[int] = set()

    def take(self, line: LedgerLine) -> Iterator[str]:
        """Take the next line, and yield a sentence for each counter in it that does not add up."""
        entry, job = line.entry, line.job
        if isinstance(entry, entries.LinesDropped):
            self._uncertain.update(self._known)
        if job is None:
            return
        before = self._known.get(job)
        due = before and _expected(before, entry)
        found: Counters | None = getattr(entry, "counters", None)
        if found is None:
            if due is not None:
                self._known[job] = due
            return
        self._known[job] = found
        carried = isinstance(entry, entries.CaptureOpen) and self._may_come(job)
        if due is not None and not carried:
            yield from self._compare(line.number, job, found, due)
        self._uncertain.discard(job)

    def _compare(self, line: int, job: int, found: Counters, due: Counters) -> Iterator[str]:
        """Yield a sentence for each counter of a line that is not what it should be."""
        for name in _NAMES:
            told, expected = getattr(found, name), getattr(due, name)
            if told != expected and not (told > expected and job in self._uncertain):
                yield (
                    f"Line {line} of the ledger has {name} {number(told)} for job {job}, where the "
                    f"lines before it come to {number(expected)}."
                )


def _expected(before: Counters, entry: entries.Entry) -> Counters:
    """Return what the counters should be after a line, from those before it."""
    match entry:
        case entries.NotStored(posts=posts, counted=True):
            return attrs.evolve(before, posts=before.posts + posts)
        case entries.File(posts=posts):
            return attrs.evolve(before, posts=before.posts + posts)
        case entries.Update(count=count):
            return attrs.evolve(before, settled=before.settled + count)
        case entries.Base(raised_by=more):
            return attrs.evolve(before, base=before.base + more)
    return before
