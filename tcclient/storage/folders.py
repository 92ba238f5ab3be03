"""
The folders of all captures: which job has which, and the ledger of what belongs to no capture.

Knows names, locks and that ledger; does not know what happens in a folder, which its archive does.
"""

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import attrs
from msgspec import structs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient import __version__
from tcclient.control.client import JobList
from tcclient.control.jobs import Job
from tcclient.ledger import bookings, entries
from tcclient.ledger.backlog import Backlog
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry
from tcclient.ledger.fold import newest_counters
from tcclient.ledger.ledgerfile import Ledger, LedgerInUse
from tcclient.runtime.boot import boot
from tcclient.runtime.failures import explain_os
from tcclient.runtime.wallclock import Wall
from tcclient.storage.archive import Archive
from tcclient.storage.diskuse import DiskUse, Place
from tcclient.storage.installation import Identity, Installation
from tcclient.storage.recovery import ledger_path, recover, recover_all
from tcclient.storage.slots import LONGEST_STAMP, Naming, folder_name

log = Logger()

INDEX = "tcc.ledger.jsonl"
"""Name of a ledger in base_dir: what belongs to no capture, and which job has had which folder."""


UNROUTED = "tcc.unrouted"
"""Name of the folder in base_dir of posts that may be of any of several jobs; of none's."""
NOBODY = 0
"""Stands for the id of the job that such posts are of: no server gives it."""


class Note(Protocol):
    """Puts a line into the ledger of what belongs to no capture, even if it is about a job."""

    def __call__(self, entry: Entry, job_id: int | None = None) -> None:
        """Put the line there, now or later.  Never raises."""


class CannotStore(Exception):
    """Raised where a job's posts cannot be stored.  str() is a sentence that says why."""


@attrs.frozen
class Folders:
    """
    Where the folders of all captures are, and how their files are named and written.  `server` is
    the address of the capture server, `client_id` this client's number there, and `machine` stands
    for this machine.  `clock` has the timers and measures how long something took; `wall` dates
    what is written.  `settings` is a hash of the settings, for the ledger.
    """

    base_dir: Path
    naming: Naming
    server: str
    clock: IReactorTime
    wall: Wall
    settings: str | None = None
    use: DiskUse = attrs.field(factory=DiskUse)
    client_id: int = 0
    machine: str | None = None
    installation: Installation = attrs.field(init=False, eq=False, repr=False)
    _owners: dict[str, int] = attrs.field(factory=dict, init=False, eq=False, repr=False)
    _backlog: Backlog = attrs.field(factory=Backlog, init=False, eq=False, repr=False)
    _last_bytes: dict[str, float] = attrs.field(factory=dict, init=False, eq=False, repr=False)

    @installation.default
    def _this_installation(self) -> Installation:
        return Installation(self.base_dir / INDEX, self.server, self.client_id, self.machine)

    def open(self, job: Job, counters: Counters | None = None) -> Archive:
        """
        Open the folder of a job, and return its archive.  Raises CannotStore.  `counters` are those
        of a job that moves here from another folder, where they are newer than on the disk.
        """
        name = self._folder_name(job)
        naming = structs.replace(self.naming, name=name)
        place = Place(self.base_dir / name, naming, self.clock, self.wall, self.use)
        with self._in_words(name), ExitStack() as undo:
            ledger = Ledger(ledger_path(self.base_dir, name), self.wall)
            undo.callback(ledger.close)
            last_byte = self._recover(place, ledger)
            archive = Archive(place, job, ledger, counters or self.counters(job), last_byte)
            if job.id != NOBODY:
                self._note_name(job)  # last: until then the counters are found where they were
            undo.pop_all()
        self._owners[name] = job.id
        archive.begin(lambda: self._owners.pop(name))
        return archive

    def begin(self) -> None:
        """Recover what the last process left, and note that this one starts."""
        self._last_bytes.update(recover_all(self.base_dir, self.naming, self.wall, self.use.ids))
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

    def _recover(self, place: Place, ledger: Ledger) -> float | None:
        """
        Finish what a crash left in a folder, if begin() has not done so.  Return when its last byte
        was written, in epoch seconds; None where nothing was left, or nobody knows.
        """
        found = recover(place.folder, place.naming, ledger, self.use.ids)
        return self._last_bytes.pop(place.naming.name, None) if found is None else found

    def end(self) -> None:
        """Note that the process ends as it should."""
        with suppress(OSError):  # nothing is lost without this line, and the log has had the reason
            self._note(entries.ClientStop(pid=os.getpid()))

    def knows(self, job: Job) -> bool:
        """Return whether `job` has counters here; False too where they cannot be read."""
        try:
            return self.counters(job) is not None
        except (CannotStore, OSError):
            return False

    def unreported(self) -> list[tuple[int, str]]:
        """
        Return each job, of whatever server, with posts that the server has not been told of: its id
        and the name of the folder.  What cannot be read, or is another client's, is left out, and
        so are posts that are no job's.
        """
        found = []
        for folder in sorted(path for path in self.base_dir.glob("*") if path.is_dir()):
            path = ledger_path(self.base_dir, folder.name)
            with suppress(OSError, LedgerInUse):
                if path.exists():
                    with Ledger(path, self.wall) as ledger:
                        counted = newest_counters(ledger.read_backwards())
                    found += [
                        (job_id, folder.name)
                        for job_id, counters in counted.items()
                        if job_id != NOBODY and counters.posts > counters.settled
                    ]
        return found

    def is_last(self, job_id: int, name: str) -> bool:
        """
        Return whether a job of this server had the folder of this name last, as far as anybody can
        tell; it has to be known which server this is.
        """
        try:
            return self.last_name(job_id) == name
        except OSError:
            return False

    def last_name(self, job_id: int) -> str | None:
        """Return the name of the folder that a job had last, None if none.  Raises OSError."""
        with self._index() as index:
            for line in index.newest_first():
                name = line.get("name")
                if self._is_folder_of(job_id, line) and isinstance(name, str):
                    return name
        return None

    def meet(self, listing: JobList) -> Identity | None:
        """
        Take note of which server lists these jobs.  Return who this client is, None where nobody
        can tell yet which server this is.  Raises OSError.
        """
        return self.installation.meet(listing, self.note)

    def _is_folder_of(self, job_id: int, line: Mapping[str, Any]) -> bool:
        """Return whether a line names the folder of such a job of this server."""
        kind, server, job = line.get("kind"), line.get("server"), line.get("job")
        if kind != "job" or job != job_id or not isinstance(server, str):
            return False
        return self.installation.is_here(server)

    def _note_name(self, job: Job) -> None:
        """
        Note that the counters of `job` are in the folder of its name from now on, if they were not
        already.  Raises OSError.
        """
        if self.last_name(job.id) != job.name:
            self._note(bookings.JobFolder(server=self.server, name=job.name), job.id)

    def counters(self, job: Job) -> Counters | None:
        """
        Return the counters of `job` from the folder that it had last, or else from the one that it
        has now; None if it was never captured here.  Raises CannotStore and OSError.
        """
        own = self._folder_name(job)
        for name in (self.last_name(job.id) or own, own):
            path = ledger_path(self.base_dir, name)
            if path.exists():
                with Ledger(path, self.wall, alone=False) as ledger:
                    counters = newest_counters(ledger.read_backwards(), job.id).get(job.id)
                if counters is not None:
                    return counters
        return None

    def note(self, entry: Entry, job_id: int | None = None) -> None:
        """Put a line into the ledger of what belongs to no capture, now or later; never raises."""
        try:
            self._note(entry, job_id)
        except OSError as e:
            self._backlog.add(entry, job_id, self.wall())
            where, reason = str(self.base_dir), explain_os(e)
            log.error("Cannot write below {base_dir}: {reason}.", base_dir=where, reason=reason)

    def has(self, name: str) -> bool:
        """Return whether there is a folder of this name with a ledger."""
        return ledger_path(self.base_dir, name).exists()

    def note_in(self, name: str, entry: Entry, job_id: int) -> None:
        """
        Put a line into the ledger of a capture, whether or not it runs; into that of what belongs
        to no capture if there is none, or it does not take the line.  Never raises.
        """
        try:
            if Path(name).name != name or not self.has(name):
                raise FileNotFoundError(name)
            with Ledger(ledger_path(self.base_dir, name), self.wall, alone=False) as ledger:
                ledger.write(entry, job_id)
        except (OSError, ValueError):
            self.note(entry, job_id)

    def newest_lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of that ledger, decoded, from the last one backwards.  Raises OSError."""
        with self._index() as index:
            yield from index.newest_first()

    def _note(self, entry: Entry, job_id: int | None = None) -> None:
        with self._index() as index:
            index.write(entry, job_id)

    def _index(self) -> Ledger:
        return Ledger(self.base_dir / INDEX, self.wall, alone=False, backlog=self._backlog)

    @contextmanager
    def _in_words(self, name: str) -> Iterator[None]:
        """Raise CannotStore for what keeps the folder `name` from being opened."""
        try:
            yield
        except LedgerInUse as e:
            job_id = self._owners.get(name)
            who = "Another client" if job_id is None else f"Job {job_id} of this client"
            raise CannotStore(f"{who} captures into {str(self.base_dir / name)!r}.") from e
        except OSError as e:
            raise CannotStore(f"The folder of {name!r} cannot be used: {explain_os(e)}.") from e
        except UnicodeError as e:
            encoding = sys.getfilesystemencoding()
            raise CannotStore(
                f"The name {name!r} cannot be a folder: file names are in {encoding} here, which "
                "does not have all of its characters."
            ) from e

    def _folder_name(self, job: Job) -> str:
        """Return the name of a job's folder.  Raises CannotStore if its name cannot be one."""
        if job.name.casefold() == UNROUTED and job.id != NOBODY:
            raise CannotStore(f"The name {job.name!r} cannot be a folder: it is tcc's own.")
        naming = self.naming
        room = LONGEST_STAMP + len(f"{naming.extension}{naming.temporary_extension}".encode())
        try:
            return folder_name(job.name, room)
        except ValueError as e:
            raise CannotStore(f"The name {job.name[:80]!r} cannot be a folder: {e}.") from e
