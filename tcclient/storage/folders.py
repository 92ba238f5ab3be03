"""
The folders of all captures: which job has which, and the ledger of what belongs to no capture.

Knows names, locks and that ledger; does not know what happens in a folder, which its archive does.
"""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from tcclient import __version__
from tcclient.control.client import JobList
from tcclient.control.jobs import Job
from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry
from tcclient.ledger.known import Known, known_counters
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.lines import LedgerLine, UnreadableLine
from tcclient.ledger.locks import LedgerInUse, is_in_use
from tcclient.ledger.reading import newest_first
from tcclient.ledger.vocabulary import Vocabulary
from tcclient.runtime.failures import explain_os
from tcclient.runtime.machine import boot
from tcclient.runtime.wallclock import Wall
from tcclient.storage.archive import Archive
from tcclient.storage.diskuse import DiskUse, Place
from tcclient.storage.index import INDEX, IndexLedger
from tcclient.storage.installation import Identity, Installation
from tcclient.storage.jobnames import JobNames
from tcclient.storage.lately import LATELY
from tcclient.storage.recovery import ledger_path, recover, recover_all
from tcclient.storage.slots import LONGEST_STAMP, Naming, folder_name

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


class CapturedElsewhere(CannotStore):
    """Raised where another process captures into the folder."""


class Folders:
    """
    Where the folders of all captures are, and how their files are named and written.  `server` is
    the address of the capture server, `client_id` this client's number there, and `machine` stands
    for this machine.  `clock` has the timers and measures how long something took; `wall` dates
    what is written.  `settings` is a hash of the settings, for the ledger.
    """

    def __init__(
        self,
        base_dir: Path,
        naming: Naming,
        server: str,
        clock: IReactorTime,
        wall: Wall,
        settings: str | None = None,
        use: DiskUse | None = None,
        client_id: int = 0,
        machine: str | None = None,
    ) -> None:
        self.base_dir = base_dir
        self.naming = naming
        self.server = server
        self.clock = clock
        self.wall = wall
        self.settings = settings
        self.use = use = use or DiskUse()
        self.client_id = client_id
        self.machine = machine
        self._index = IndexLedger(base_dir, use.writing, clock, wall)
        who = server, client_id, machine
        note = self._index.note
        self.installation = Installation(base_dir / INDEX, *who, use.writing, clock, note)
        self._owners: dict[str, int] = {}
        self._last_bytes: dict[str, float] = {}
        self._names = JobNames(base_dir / INDEX, self.installation.is_here)
        self._names_for_threads = JobNames(base_dir / INDEX, self.installation.is_here)

    def open(self, job: Job, counters: Counters | None = None) -> Archive:
        """
        Open the folder of a job, and return its archive.  Raises CannotStore.  `counters` are those
        of a job that moves here from another folder, where they are newer than on the disk.
        """
        name = self._folder_name(job)
        naming = structs.replace(self.naming, name=name)
        place = Place(self.base_dir / name, naming, self.clock, self.wall, self.use)
        if self.use.silent((self.base_dir, place.folder)):
            raise CannotStore(f"The folder of {name!r} cannot be used: its disk does not answer.")
        with self._in_words(name), ExitStack() as undo:
            ledger = Ledger(ledger_path(self.base_dir, name), self.wall)
            undo.callback(ledger.close)
            last_byte = recover(place.folder, naming, ledger, self.use.ids)
            if last_byte is None:
                last_byte = self._last_bytes.pop(name, None)  # begin() has recovered it
            moved = counters and Known(counters, counters.settled)
            archive = Archive(place, job, ledger, moved or self.counters(job), last_byte)
            if job.id != NOBODY:
                self._note_name(job)  # last: until then the counters are found where they were
            lately = self._names.since(self.wall() - LATELY, job.id)
            former = [ledger_path(self.base_dir, one) for one in lately if one != name]
            undo.pop_all()
        self._owners[name] = job.id
        archive.begin(lambda: self._owners.pop(name), former)
        return archive

    def begin(self) -> None:
        """Recover what the last process left, and note that this one starts."""
        if not self.use.silent((self.base_dir,)):
            folders = {path for path in self.base_dir.glob("*") if path.is_dir()}
            folders -= self.use.silent(folders)
            recovered = recover_all(folders, self.naming, self.wall, self.use.ids)
            self._last_bytes.update(recovered)
        self.note(_client_start(self.server, self.settings))

    def end(self) -> Deferred[None]:
        """Note that the process ends as it should.  Fires when that is there, or cannot be soon."""
        return self._index.end(entries.ClientStop(pid=os.getpid()))

    def knows(self, job: Job) -> bool:
        """Return whether `job` has counters here; False too where they cannot be read."""
        try:
            return self.counters(job) is not None
        except (CannotStore, OSError):
            return False

    def unreported(self) -> list[tuple[int, str]] | None:
        """
        Return each job, of whatever server, with posts that the server has not been told of: its id
        and the name of the folder.  What cannot be read, or is another client's, is left out, and
        so are posts that are no job's.  Return None where the disk does not answer.
        """
        is_silent = self.use.silent((self.base_dir,))
        return None if is_silent else list(_unreported(self.base_dir))

    def is_last(self, job_id: int, name: str) -> bool:
        """Return whether a job of the server that was met had this folder last, as far as known."""
        try:
            return self.last_name(job_id) == name
        except OSError:
            return False

    def last_name(self, job_id: int) -> str | None:
        """Return the name of the folder that a job had last, None if none.  Raises OSError."""
        return self._names.of(job_id)

    def ledgers(self) -> dict[Path, int | None]:
        """
        Return the paths of ledgers, each with the job that had its folder last, and None for those
        of no job; to one thread at a time.  Raises OSError.
        """
        names = {path.name for path in self.base_dir.glob("*")}
        jobs = self._names_for_threads.folders(names)
        found = {ledger_path(self.base_dir, name): job for name, job in jobs.items()}
        return {self.base_dir / INDEX: None, ledger_path(self.base_dir, UNROUTED): None, **found}

    def meet(self, listing: JobList) -> Identity | None:
        """Take note of which server lists these jobs, as Installation.meet().  Raises OSError."""
        if self.installation.identity is None and self.use.silent((self.base_dir,)):
            raise OSError("its disk does not answer")
        identity, anew = self.installation.meet(listing), self.installation.made_anew
        for job in [job for job in listing.jobs if job.id in anew]:
            self._note_name(job)  # it has had no folder
            anew.discard(job.id)
        return identity

    def _note_name(self, job: Job) -> None:
        """Note that the counters of `job` are in its own folder from now on.  Raises OSError."""
        if self.last_name(job.id) != job.name:
            self._index.write(bookings.JobFolder(server=self.server, name=job.name), job.id)

    def counters(self, job: Job) -> Known | None:
        """
        Return the counters of `job` from the folder that it had last, or else from the one that it
        has now; None if it was never captured here.  Raises CannotStore and OSError.
        """
        own = self._folder_name(job)
        for name in dict.fromkeys((self.last_name(job.id) or own, own)):
            known = known_counters(ledger_path(self.base_dir, name), job.id).get(job.id)
            if known is not None:
                return known
        return None

    def note(self, entry: Entry, job_id: int | None = None) -> None:
        """Put a line into the ledger of what belongs to no capture, now or later; never raises."""
        self._index.note(entry, job_id)

    def has(self, name: str) -> bool:
        """Return whether there is a folder of this name with a ledger."""
        return ledger_path(self.base_dir, name).exists()

    def note_in(self, name: str, entry: Entry, job_id: int) -> None:
        """
        Put a line into the ledger of a capture that does not run; into that of what belongs to no
        capture if there is none, it is in use, or it does not take the line.  Never raises.
        """
        try:
            if Path(name).name != name or not self.has(name):
                raise FileNotFoundError(name)
            with Ledger(ledger_path(self.base_dir, name), self.wall) as ledger:
                ledger.write(entry, job_id)
        except (OSError, ValueError):
            self.note(entry, job_id)

    def newest_lines(self, vocabulary: Vocabulary) -> Iterator[LedgerLine | UnreadableLine]:
        """
        Yield the lines of that ledger, read by a vocabulary, from the last one backwards; none if
        it cannot be read.
        """
        return newest_first(self.base_dir / INDEX, vocabulary=vocabulary)

    @contextmanager
    def _in_words(self, name: str) -> Iterator[None]:
        """Raise CannotStore for what keeps the folder `name` from being opened."""
        try:
            yield
        except LedgerInUse as e:
            job_id, place = self._owners.get(name), repr(str(self.base_dir / name))
            if job_id is None:
                raise CapturedElsewhere(f"Another client captures into {place}.") from e
            raise CannotStore(f"Job {job_id} of this client captures into {place}.") from e
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


def _unreported(base_dir: Path) -> Iterator[tuple[int, str]]:
    """Yield each job with posts that the server has not been told of; see Folders.unreported()."""
    for folder in sorted(path for path in base_dir.glob("*") if path.is_dir()):
        path = ledger_path(base_dir, folder.name)
        with suppress(OSError):
            if path.exists() and not is_in_use(path):
                for job_id, known in known_counters(path).items():
                    if job_id != NOBODY and known.counters.posts > known.counters.settled:
                        yield job_id, folder.name


def _client_start(server: str, settings: str | None) -> entries.ClientStart:
    """Return the line about the start of this process; see Folders for its arguments."""
    return entries.ClientStart(
        schema=entries.VERSION,
        version=__version__,
        python=platform.python_version(),
        host=platform.node(),
        pid=os.getpid(),
        server=server,
        boot=boot(),
        settings=settings,
    )
