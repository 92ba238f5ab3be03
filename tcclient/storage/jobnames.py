"""
Which folders each job has had, as the ledger of what belongs to no capture says.

Knows how that is read: once, and then only what has been added, be it by another client.
"""

import sys
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from tcclient.ledger.bookings import JobFolder
from tcclient.ledger.lines import AnyLine, LedgerLine
from tcclient.ledger.reading import lines, newest_first, of_kind
from tcclient.ledger.segments import files
from tcclient.ledger.vocabulary import Vocabulary

_KNOWN = Vocabulary.of((JobFolder,))


class _Stay(Struct, gc=False):
    """
    From when (epoch seconds) a job of the server at an address has had the folder of a name, and
    what was `before`.
    """

    at: float
    server: str
    name: str
    before: "_Stay | None" = None


def _backwards(newest: _Stay | None) -> Iterator[_Stay]:
    while newest is not None:
        yield newest
        newest = newest.before


class JobNames:
    """
    The names of the folders of jobs, of a server at each address for which `is_here` returns True;
    `index` is the ledger's path.  Methods raise OSError where it cannot be read.
    """

    def __init__(self, index: Path, is_here: Callable[[str], bool]) -> None:
        self._index = index
        self._is_here = is_here
        self._read = 0
        self._newest: dict[int, _Stay] = {}

    def of(self, job_id: int) -> str | None:
        """Return the name of the folder that a job had last, None if none."""
        return next((stay.name for stay in self._here(job_id)), None)

    def since(self, since: float, job_id: int) -> Iterable[str]:
        """
        Return the names of the folders that a job has had since then (epoch seconds), that which it
        had at that time included, the newest first.
        """
        names: dict[str, None] = {}
        for stay in self._here(job_id):
            names[stay.name] = None
            if stay.at < since:
                break
        return names

    def folders(self, among: Container[str]) -> dict[str, int]:
        """
        Return the names `among` these of folders that had jobs of this server and of no other, each
        with the job that had it last.  Raises OSError.
        """
        self._catch_up()
        last: dict[str, tuple[float, int]] = {}
        strange: set[str] = set()
        for job_id, newest in self._newest.items():
            for stay in filter(lambda stay: stay.name in among, _backwards(newest)):
                last[stay.name] = max(last.get(stay.name, (0.0, 0)), (stay.at, job_id))
                if not self._is_here(stay.server):
                    strange.add(stay.name)
        return {name: job_id for name, (_, job_id) in last.items() if name not in strange}

    def _here(self, job_id: int) -> Iterator[_Stay]:
        self._catch_up()
        stays = _backwards(self._newest.get(job_id))
        return (stay for stay in stays if self._is_here(stay.server))

    def _catch_up(self) -> None:
        length = self._length()
        if self._read and length >= self._read:
            for job_id, stay in _stays(lines(self._index, _KNOWN, self._read)):
                stay.before = self._newest.get(job_id)
                self._newest[job_id] = stay
        else:
            self._newest.clear()
            oldest: dict[int, _Stay] = {}
            backwards = newest_first(self._index, *of_kind("job"), vocabulary=_KNOWN)
            for job_id, stay in _stays(backwards):
                newest = self._newest.setdefault(job_id, stay)
                if newest is not stay:  # most jobs have one only
                    oldest.get(job_id, newest).before = stay
                    oldest[job_id] = stay
        self._read = length

    def _length(self) -> int:
        with suppress(FileNotFoundError):
            return sum(file.stat().st_size for file in files(self._index))
        return 0


def _stays(found: Iterable[AnyLine]) -> Iterator[tuple[int, _Stay]]:
    """Yield each job's id with a folder of it, in the order of the lines."""
    for one in found:
        match one:
            case LedgerLine(at=at, job=int(id), entry=JobFolder(server=server, name=name)):
                yield id, _Stay(at, sys.intern(server), name)
