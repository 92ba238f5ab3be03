"""
What the newest line of a ledger and the state beside it say together of a job's counters.

Knows where both are; does not know how is counted.
"""

from contextlib import suppress
from pathlib import Path

import attrs
from msgspec import Struct

from tcclient.ledger.counters import Counters
from tcclient.ledger.fold import newest_counters
from tcclient.ledger.reading import newest_first
from tcclient.ledger.segments import begin_of
from tcclient.ledger.state import LedgerState, StateFile


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
        return attrs.evolve(self.counters, posts=self.counters.posts + self.gone)


def known_counters(ledger: Path, job: int | None = None) -> dict[int, Known]:
    """
    Return the counters of a job in a ledger, by default of the one whose counters a line had last,
    by its id.  Nothing if no line has any.
    """
    state = _state(ledger)
    return {
        id: Known(state.newer(id, counters), counters.settled)
        for id, counters in newest_counters(newest_first(ledger), job).items()
    }


def _state(ledger: Path) -> LedgerState:
    """Return what is kept beside a ledger; nothing if that is of another one."""
    with suppress(OSError):
        begin, state = begin_of(ledger), StateFile(ledger).state
        if begin is not None and begin.line.ledger == state.ledger:
            return state
    return LedgerState()
