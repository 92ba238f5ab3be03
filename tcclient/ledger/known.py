"""
What the newest line of a ledger and the state beside it say together of a job's counters.

Knows where both are; does not know how is counted.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from msgspec import Struct, structs

from tcclient.ledger.bookings import Base
from tcclient.ledger.counters import Counters
from tcclient.ledger.fold import COUNTERS, Fold, newest_counters, resumed, told_counters
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.newest import newest_of_job
from tcclient.ledger.reading import newest_first
from tcclient.ledger.segments import begin_of
from tcclient.ledger.state import LedgerState, StateFile

_COUNTERS_ONLY = frozenset({COUNTERS})


class Known(Struct, frozen=True):
    """The counters of a job, and how many posts are settled by the lines of its ledgers."""

    counters: Counters
    noted: int

    @property
    def gone(self) -> int:
        """How many posts the server has been told of that are in no file."""
        return max(0, self.counters.settled - self.counters.posts)

    @property
    def counted(self) -> Counters:
        """The counters, with those posts."""
        return structs.replace(self.counters, posts=self.counters.posts + self.gone)


def known_counters(ledger: Path, job: int | None = None) -> dict[int, Known]:
    """
    Return the counters of a job in a ledger, by default of the one whose counters a line had last,
    by its id.  Nothing if no line has any.
    """
    state = _state(ledger)
    return {
        id: Known(state.newer(id, counters), counters.settled)
        for id, counters in newest_counters_in(ledger, job).items()
    }


class LeftInLedger(Struct, frozen=True):
    """What an earlier process has left in a ledger: the counters of a job, and how things stood."""

    counters: Counters
    fold: Fold


def left_in(ledger: Path) -> dict[int, LeftInLedger]:
    """Return what a ledger says of the job whose counters a line had last, by its id."""
    return {
        id: LeftInLedger(known.counters, stands(ledger, id))
        for id, known in known_counters(ledger).items()
    }


def stands(ledger: Path, job: int) -> Fold:
    """Return how things stand with a job by the lines of a ledger."""
    return resumed(newest_of_job(ledger, job), job)


def newest_counters_in(ledger: Path, job: int | None = None) -> Mapping[int, Counters]:
    """
    Return the counters of a job by the lines of a ledger, by default of the one whose counters a
    line had last, by its id.  Nothing if no line has any.  What was read is remembered: a start
    asks for them again and again, and a ledger may be long.
    """
    job = _counted_last(ledger) if job is None else job
    if job is None:
        return {}
    try:
        status = ledger.stat()
    except OSError:
        return _counters(ledger, job)
    # Files of months that are over do not change.
    state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return _remembered(ledger, job, state)


@lru_cache(maxsize=64)
def _remembered(ledger: Path, job: int, _state: tuple[int, ...]) -> Mapping[int, Counters]:
    return _counters(ledger, job)


def _counters(ledger: Path, job: int) -> Mapping[int, Counters]:
    return newest_counters(newest_of_job(ledger, job, _COUNTERS_ONLY), job)


def _counted_last(ledger: Path) -> int | None:
    for one in newest_first(ledger, b'"account"'):
        if isinstance(one, LedgerLine) and one.job is not None and told_counters(one.entry):
            return one.job
    return None


def restated(ledger: Path, lost: LedgerState) -> Iterator[tuple[int, Base, Counters]]:
    """
    Yield a job, the line by which a ledger goes on that lacks lines with its counters, and these;
    `lost` was kept beside it when they were there.  Nothing if it lacks no posts.
    """
    if lost.job is not None:
        last = newest_counters_in(ledger, lost.job).get(lost.job, Counters())
        counters = lost.restated(last)
        if counters is not None:
            more, count = counters.base - last.base, counters.settled - last.settled
            line = Base(raised_by=max(0, more), count=count, counters=counters.lasting)
            yield lost.job, line, counters


def _state(ledger: Path) -> LedgerState:
    """Return what is kept beside a ledger; nothing if that is of another one."""
    with suppress(OSError):
        begin, state = begin_of(ledger), StateFile(ledger).state
        if begin is not None and begin.line.ledger == state.ledger:
            return state
    return LedgerState()
