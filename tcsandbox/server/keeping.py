"""The capture server's rows on a disk, so that they outlive its process, as in a database."""

from pathlib import Path

import attrs
import msgspec

from tcsandbox.server.jobstore import JobStore
from tcsandbox.server.rows import JobRow, UpdateRow


@attrs.frozen
class _Rows:
    """What is kept; users come from the command line, and history is of no use to a client."""

    jobs: list[JobRow]
    updates: list[UpdateRow]


class Keeper:
    """The file that holds a store's rows."""

    def __init__(self, path: Path, store: JobStore) -> None:
        self._path = path
        self._store = store

    def load(self) -> bool:
        """Put the rows that were kept into the store; return False where none were."""
        if not self._path.exists():
            return False
        rows = msgspec.json.decode(self._path.read_bytes(), type=_Rows)
        self._store.put_back(rows.jobs, rows.updates)
        return True

    def save(self) -> None:
        """Write the rows as they are; a process that is killed meanwhile leaves the last ones."""
        updates = [update for rows in self._store.updates.values() for update in rows]
        beside = self._path.with_name(self._path.name + ".new")
        beside.write_bytes(msgspec.json.encode(_Rows(list(self._store.jobs.values()), updates)))
        beside.replace(self._path)
