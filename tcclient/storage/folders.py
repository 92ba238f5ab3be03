"""
Where the folders of captures are: which job has which, and what belongs to none of them.

Knows names, locks and the index; what happens in a folder is its archive's business.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient import __version__
from tcclient.control.jobs import Job
from tcclient.ledger import entries
from tcclient.ledger.backlog import Backlog
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry
from tcclient.ledger.ledgerfile import Ledger, LedgerInUse
from tcclient.runtime.boot import boot
from tcclient.runtime.failures import explain_os
from tcclient.storage.archive import Archive, Home
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.recovery import ledger_path, recover, recover_all
from tcclient.storage.slots import LONGEST_STAMP, Naming, folder_name

log = Logger()

INDEX = "tcc.ledger.jsonl"
"""In base_dir: what belongs to no capture, and which job has had which folder."""


class Note(Protocol):
    """Puts a line into the ledger of what belongs to no capture, even if it is about a job."""

    def __call__(self, entry: Entry, job_id: int | None = None) -> None:
        """Does not raise."""


class CannotStore(Exception):
    """There is no place for a job's posts; str() is a sentence."""


@attrs.frozen
class Folders(Home):
    """
    Where the folders of all captures are, and how their files are named and written.  `clock` dates
    what is written; `steady`, by default the same, measures how long something took.  `settings` is
    a hash of the settings, for the account; `owners` are the jobs that have a folder open here, by
    its name.
    """

    base_dir: Path
    naming: Naming
    server: str
    clock: IReactorTime
    steady: IReactorTime = attrs.field()
    settings: str | None = None
    use: DiskUse = attrs.field(factory=DiskUse)
    owners: dict[str, int] = attrs.field(factory=dict, init=False, eq=False)
    _backlog: Backlog = attrs.field(factory=Backlog, init=False, eq=False, repr=False)
    _last_bytes: dict[str, float] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    @steady.default
    def _same_clock(self) -> IReactorTime:
        return self.clock

    def open(self, job: Job, counters: Counters | None = None) -> Archive:
        """
        Raises CannotStore.  `counters` has the numbers of a job that moves here, where they are
        better known than from the disk.
        """
        naming = attrs.evolve(self.naming, name=self._folder_name(job))
        with self._in_words(naming.name):
            return Archive(self, naming, job, counters)

    def begin(self) -> None:
        """The process starts: recover what the last one left, and note the start."""
        self._last_bytes.update(recover_all(self.base_dir, self.naming, self.clock, self.use.ids))
        self.note(
            entries.ClientStart(
                schema=entries.VERSION,
                version=__version__,
                python=platform.python_version(),
                host=platform.node(),
                pid=os.getpid(),
                server=self.server,
                boot=boot(),
                settings=self.settings,
            )
        )

    def recover(self, naming: Naming, ledger: Ledger) -> float | None:
        """
        Recover one folder, if begin() has not done so.  Returns once when the last byte that a
        crash left there had been written, None where there was none.  Raises OSError.
        """
        found = recover(self.base_dir / naming.name, naming, ledger, self.use.ids)
        return self._last_bytes.pop(naming.name, None) if found is None else found

    def end(self) -> None:
        """The process ends as it should."""
        with suppress(OSError):  # nothing is lost without this line, and the disk has been said
            self._note(entries.ClientStop(pid=os.getpid()))

    def knows(self, job: Job) -> bool:
        """Whether there is an account of `job`."""
        try:
            return self.counters(job) is not None
        except (CannotStore, OSError):
            return False

    def last_name(self, job: Job) -> str | None:
        """The folder that `job` had last, None where it has had none.  Raises OSError."""
        with self._index() as index:
            for line in index.newest_first():
                mine = (line.get("kind"), line.get("server"), line.get("job"))
                name = line.get("name")
                if mine == ("job", self.server, job.id) and isinstance(name, str):
                    return name
        return None

    def note_name(self, job: Job) -> None:
        """From now on the numbers of `job` are in the folder of its name.  Raises OSError."""
        if self.last_name(job) != job.name:
            self._note(entries.JobFolder(server=self.server, name=job.name), job.id)

    def counters(self, job: Job) -> Counters | None:
        """
        The numbers of `job`, from the folder that it had last, or else has now; None where it has
        never been captured here.  Raises CannotStore and OSError.
        """
        own = self._folder_name(job)
        for name in (self.last_name(job) or own, own):
            path = ledger_path(self.base_dir, name)
            if path.exists():
                with Ledger(path, self.clock, alone=False) as ledger:
                    counters = ledger.counters(job.id)
                if counters is not None:
                    return counters
        return None

    def note(self, entry: Entry, job_id: int | None = None) -> None:
        """Put a line into the ledger of what belongs to no capture, now or later; never raises."""
        try:
            self._note(entry, job_id)
        except OSError as e:
            self._backlog.add(entry, job_id, self.clock.seconds())
            self._complain(e)

    def _complain(self, error: OSError) -> None:
        log.error(
            "Cannot write below {base_dir}: {reason}.",
            base_dir=str(self.base_dir),
            reason=explain_os(error),
        )

    def _note(self, entry: Entry, job_id: int | None = None) -> None:
        with self._index() as index:
            index.write(entry, job_id)

    def _index(self) -> Ledger:
        return Ledger(self.base_dir / INDEX, self.clock, alone=False, backlog=self._backlog)

    @contextmanager
    def _in_words(self, name: str) -> Iterator[None]:
        try:
            yield
        except LedgerInUse as e:
            owner = self.owners.get(name)
            who = "Another client" if owner is None else f"Job {owner} of this client"
            raise CannotStore(f"{who} captures into {str(self.base_dir / name)!r}.") from e
        except OSError as e:
            raise CannotStore(f"The folder of {name!r} cannot be used: {explain_os(e)}.") from e

    def _folder_name(self, job: Job) -> str:
        naming = self.naming
        room = LONGEST_STAMP + len(f"{naming.extension}{naming.temporary_extension}".encode())
        try:
            return folder_name(job.name, room)
        except ValueError as e:
            raise CannotStore(f"The name {job.name[:80]!r} cannot be a folder: {e}.") from e
