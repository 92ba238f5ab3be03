"""
Which folder each job had last, as the ledger of what belongs to no capture says.

Knows how that is read: once, and then only what has been added, be it by another client.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from tcclient.ledger.bookings import JobFolder
from tcclient.ledger.lines import AnyLine, LedgerLine
from tcclient.ledger.reading import lines, newest_first, of_kind
from tcclient.ledger.segments import files
from tcclient.ledger.vocabulary import COMMON
from tcclient.storage.lately import folders_since


class JobNames:
    """
    The names of the folders that jobs had last, of a server at each address for which `is_here`
    returns True; `index` is the ledger's path.
    """

    def __init__(self, index: Path, is_here: Callable[[str], bool]) -> None:
        self._index = index
        self._is_here = is_here
        self._read = 0
        self._names: dict[int, dict[str, str]] = {}  # by the server's address; the newest last

    def of(self, job_id: int) -> str | None:
        """Return the name of the folder that a job had last, None if none.  Raises OSError."""
        length = self._length()
        if self._read and length >= self._read:
            self._take(lines(self._index, COMMON, self._read))
        else:
            self._names.clear()
            self._take(reversed(list(newest_first(self._index, *of_kind("job")))))
        self._read = length
        latest = reversed(self._names.get(job_id, {}).items())
        return next((name for server, name in latest if self._is_here(server)), None)

    def since(self, since: float, job_id: int) -> Iterable[str]:
        """Return the names of the folders that a job has had since then, the newest first."""
        return folders_since(since, newest_first(self._index), job_id, self._is_here)

    def _length(self) -> int:
        with suppress(FileNotFoundError):
            return sum(file.stat().st_size for file in files(self._index))
        return 0

    def _take(self, found: Iterable[AnyLine]) -> None:
        for one in found:
            match one:
                case LedgerLine(job=int(id), entry=JobFolder(server=server, name=name)):
                    names = self._names.setdefault(id, {})
                    names.pop(server, None)
                    names[server] = name
