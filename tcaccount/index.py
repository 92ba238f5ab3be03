"""
What the ledger beside all folders says: where jobs have been, and when the server failed.

Knows the lines that belong to no capture; knows no line of a folder's own ledger.
"""

from pathlib import Path

import attrs

from tcclient.ledger.bookings import JobFolder
from tcclient.ledger.entries import ServerAnswers
from tcclient.ledger.intervals import Interval
from tcclient.ledger.lines import AnyLine, LedgerLine, UnreadableLine
from tcclient.ledger.reading import lines
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
    beside a folder that was copied elsewhere.  `unreadable` are the lines that cannot be read.
    """

    known: bool = False
    outages: list[Outage] = attrs.Factory(list)
    unreadable: list[UnreadableLine] = attrs.Factory(list)
    _moves: dict[tuple[str, int], list[tuple[float, str]]] = attrs.Factory(dict)

    def take(self, line: AnyLine) -> None:
        """Take the next line."""
        if isinstance(line, UnreadableLine):
            self.unreadable.append(line)
        match line:
            case LedgerLine(at=at, job=int(job), entry=JobFolder(server=server, name=name)):
                self._moves.setdefault((server, job), []).append((at, name))
            case LedgerLine(at=at, entry=ServerAnswers(doing=doing, after=after)):
                self.outages.append(Outage(doing, at, after))

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
    """Return what the ledger at `path` says; nothing if there is no such file.  Raises OSError."""
    if path.exists() and not path.is_file():
        return Index()
    index = Index(known=True)
    try:
        for line in lines(path, vocabulary):
            index.take(line)
    except FileNotFoundError:
        return Index()
    return index
