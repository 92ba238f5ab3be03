"""
What the ledger beside all folders says: where jobs have been, and when the server failed.

Knows the lines that belong to no capture; knows no line of a folder's own ledger.
"""

from collections.abc import Iterable
from pathlib import Path

import attrs

from tcclient.ledger import entries
from tcclient.ledger.intervals import Interval
from tcclient.ledger.lines import LedgerLine, lines
from tcclient.ledger.vocabulary import Vocabulary

FOREVER = float("inf")


@attrs.frozen
class Outage:
    """
    A time in which the capture server failed at `doing`: so many seconds, until `end`, in epoch
    seconds.
    """

    doing: str
    end: float
    seconds: float


@attrs.define
class Index:
    """
    What the lines of that ledger say together.  `known` is False if there is no such ledger, as
    beside a folder that was copied elsewhere.
    """

    known: bool = False
    outages: list[Outage] = attrs.Factory(list)
    _moves: dict[tuple[str, int], list[tuple[float, str]]] = attrs.Factory(dict)

    def take(self, line: LedgerLine) -> None:
        """Take the next line."""
        entry = line.entry
        if isinstance(entry, entries.JobFolder) and line.job is not None:
            self._moves.setdefault((entry.server, line.job), []).append((line.at, entry.name))
        elif isinstance(entry, entries.ServerAnswers):
            self.outages.append(Outage(entry.doing, line.at, entry.after))

    def elsewhere(self, job: int, name: str) -> list[Interval]:
        """Return when a job that was in the folder `name` was in another one."""
        away = []
        for (_, moved), moves in self._moves.items():
            if moved == job and any(place == name for _, place in moves):
                ends = [at for at, _ in moves[1:]] + [FOREVER]
                away += [
                    (at, end) for (at, place), end in zip(moves, ends, strict=True) if place != name
                ]
        return away


def read_index(path: Path, vocabulary: Vocabulary) -> Index:
    """Return what the ledger at `path` says; nothing if it does not exist.  Raises OSError."""
    try:
        return _index(line for line in lines(path, vocabulary) if isinstance(line, LedgerLine))
    except FileNotFoundError:
        return Index()


def _index(found: Iterable[LedgerLine]) -> Index:
    index = Index(known=True)
    for line in found:
        index.take(line)
    return index
