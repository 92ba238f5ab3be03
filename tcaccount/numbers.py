"""
Whether the numbers of a ledger add up: each account against the one before and what lies between.

Pure.  A job that has had another folder brings its numbers from there: what an opening says is
believed then.
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
    `may_come` says whether the numbers of a job can have come from another folder.  After lines
    that were dropped a number may be higher than it should.
    """

    def __init__(self, may_come: Callable[[int], bool]) -> None:
        self._may_come = may_come
        self._known: dict[int, Counters] = {}
        self._uncertain: set[int] = set()

    def take(self, line: LedgerLine) -> Iterator[str]:
        """The next line; yields a sentence for each number in it that is not as it should be."""
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
        for name in _NAMES:
            told, expected = getattr(found, name), getattr(due, name)
            if told != expected and not (told > expected and job in self._uncertain):
                yield (
                    f"Line {line} of the ledger has {name} {number(told)} for job {job}, where the "
                    f"lines before it come to {number(expected)}."
                )


def _expected(before: Counters, entry: entries.Entry) -> Counters:
    """Return the numbers after what the line tells."""
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
