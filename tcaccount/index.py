"""
What stands in the ledger beside all folders: where jobs have been, and outages of the server.

Knows the lines that are about more than one folder.
"""

from collections.abc import Iterable
from pathlib import Path

import attrs

from tcaccount.intervals import Interval
from tcclient.ledger import entries
from tcclient.ledger.lines import LedgerLine, lines
from tcclient.ledger.vocabulary import Vocabulary

FOREVER = float("inf")


@attrs.frozen
class Outage:
    """The capture server failed, for so many seconds until it succeeded again at `end`."""

    doing: str
    end: float
    seconds: float


@attrs.define
class Index:
    """`known` is False where there is none, as beside a folder that was copied elsewhere."""

    known: bool = False
    outages: list[Outage] = attrs.Factory(list)
    _moves: dict[tuple[str, int], list[tuple[float, str]]] = attrs.Factory(dict)

    def take(self, line: LedgerLine) -> None:
        """The next line."""
        entry = line.entry
        if isinstance(entry, entries.JobFolder) and line.job is not None:
            self._moves.setdefault((entry.server, line.job), []).append((line.at, entry.name))
        elif isinstance(entry, entries.ServerAnswers):
            self.outages.append(Outage(entry.doing, line.at, entry.after))

    def elsewhere(self, job: int, name: str) -> list[Interval]:
        """When a job that has had the folder `name` had another one."""
        away = []
        for (_, owner), moves in self._moves.items():
            if owner == job and any(place == name for _, place in moves):
                ends = [at for at, _ in moves[1:]] + [FOREVER]
                away += [
                    (at, end) for (at, place), end in zip(moves, ends, strict=True) if place != name
                ]
        return away


def read_index(path: Path, vocabulary: Vocabulary) -> Index:
    """Raises OSError, but for a file that is not there."""
    try:
        return _index(line for line in lines(path, vocabulary) if isinstance(line, LedgerLine))
    except FileNotFoundError:
        return Index()


def _index(found: Iterable[LedgerLine]) -> Index:
    index = Index(known=True)
    for line in found:
        index.take(line)
    return index
