"""
The folder of one job while it is captured: its ledger, its data files, and its counters.

Knows what is written where, and in which order; does not know streams or servers.
"""

from collections.abc import Coroutine, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.control.jobs import Job
from tcclient.ledger import bookings, entries
from tcclient.ledger.capturelog import CaptureLog
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry
from tcclient.ledger.fold import resumed
from tcclient.ledger.gaps import CRASH, Missing
from tcclient.ledger.ledgerfile import Ledger
from tcclient.runtime.boot import boot
from tcclient.runtime.timers import Timers
from tcclient.runtime.wallclock import Wall
from tcclient.storage.adoption import Adoption, unbooked
from tcclient.storage.alive import AliveMark
from tcclient.storage.bookkeeper import Bookkeeper
from tcclient.storage.captureledger import CaptureLedger
from tcclient.storage.diskuse import DiskUse, Supply
from tcclient.storage.files import RotatingFile
from tcclient.storage.lately import stored_lately
from tcclient.storage.notedtally import NotedTally
from tcclient.storage.recovery import ledger_path
from tcclient.storage.slots import Naming

log = Logger()


class StoredCapture(Protocol):
    """What is known of the posts of a capture that are stored, and of those that are missing."""

    job_id: int

    @property
    def missed(self) -> float | None:
        """Seconds for which posts have been missed that existed; None if none have."""

    def newest_ids(self, seconds: float, most_bytes: int) -> Deferred[list[str]]:
        """
        Fire with the ids of the posts that were made within `seconds` before the newest stored one.
        The post stored last is the last; of more than `most_bytes` only the newest are read.
        """


class Home(Protocol):
    """What an archive needs to know of the place where all folders are."""

    @property
    def base_dir(self) -> Path:
        """The directory that holds the folders of all captures."""

    @property
    def clock(self) -> IReactorTime:
        """The clock that has the timers, and measures how long something took."""

    @property
    def wall(self) -> Wall:
        """Returns the date, for the lines of ledgers and the names of files."""

    @property
    def use(self) -> DiskUse:
        """How files are written."""

    @property
    def owners(self) -> dict[str, int]:
        """The ids of the jobs that have a folder open in this process, by the folder's name."""

    def recover(self, naming: Naming, ledger: Ledger) -> float | None:
        """
        Finish what a crash left in a folder.  Return when its last byte was written, in epoch
        seconds; None where nothing was left, or nobody knows.
        """

    def counters(self, job: Job) -> Counters | None:
        """Return the counters of a job from the folder that it had last; None if it is new here."""

    def note_name(self, job: Job) -> None:
        """Note that the counters of the job are in the folder of its name from now on."""


class Archive(StoredCapture):
    """
    The folder of a job that is captured; Folders.open() makes it.

    First recovers what an earlier process has left there.  `capture_log` is told what happens to
    the capture, `tally` counts.  `last_byte` is when (epoch seconds) the last byte was written that
    a crash left here, None if none has.  Neither store() nor note() raises OSError: a disk that
    refuses must not end a capture, and pauses what brings the posts instead.
    """

    def __init__(
        self, home: Home, naming: Naming, job: Job, counters: Counters | None = None
    ) -> None:
        self.job_id = job.id
        self.name = naming.name
        self._naming = naming
        self._home = home
        self._timers = Timers(home.clock)
        self._folder = home.base_dir / naming.name
        self._mark = AliveMark(self._folder / f".{naming.name}.alive")
        file = Ledger(ledger_path(home.base_dir, naming.name), home.wall)
        self._ledger = CaptureLedger(file, job.id, self._begin_anew)
        with ExitStack() as undo:
            undo.callback(file.close)
            self.last_byte = home.recover(naming, file)
            self._list_older_files()
            missing = self._missing()
            self.tally = self._count_on(job, counters, missing)
            self._books = Bookkeeper(
                naming.name, self._ledger, self.tally, self._mark, home.wall, home.clock
            )
            self.files = RotatingFile(
                self._folder, naming, home.clock, home.wall, self._books, home.use
            )
            self.capture_log = CaptureLog(self.note, home.wall, missing, self._unwritten_since)
            self._ledger.write(self._opening())
            home.note_name(job)  # last: until then the counters are found where they were
            home.owners[naming.name] = job.id
            undo.pop_all()
        self._look_later()
        self._adoption = Adoption(self._folder, file.path, home.use, self.note)
        self._adopt(self._adoption.go_on())

    def _count_on(self, job: Job, counters: Counters | None, missing: Missing | None) -> NotedTally:
        """Return the tally of the job, which counts on from its newest counters."""
        return NotedTally(
            counters or self._home.counters(job) or Counters(base=_held_by_server(job)),
            self._home.clock.seconds(),
            self.name,
            self.note,
            lambda: self.files.unfinished,
            after_crash=missing is not None and missing.cause == CRASH,
        )

    def _adopt(self, adopting: Coroutine[Any, Any, None]) -> None:
        Deferred.fromCoroutine(adopting).addErrback(
            lambda failure: log.failure("Older files could not be taken into account.", failure)
        )

    def _begin_anew(self) -> None:
        """
        Restate how things stand in a new ledger, as somebody has removed the old one.  The data
        files that it had booked are adopted.
        """
        log.error(
            "The ledger of {name!r} was removed: a new one begins, and accounts for what happens "
            "from now on.",
            name=self.name,
        )
        names = unbooked(self._naming, self._ledger.file)
        if names:  # where the next start looks for them: before the opening
            self.note(bookings.Adopting(names=tuple(names)))
        self.note(self._opening())
        self.capture_log.restate()
        self._adopt(self._adoption.run(names))

    def _missing(self) -> Missing | None:
        """Return the gap that an earlier process left open; None if the capture was not running."""
        file = self._ledger.file
        fold = resumed(file.read_backwards(), self.job_id)
        self._ledger.say_damaged(fold.damaged)
        history = fold.jobs.get(self.job_id)
        if history is None:
            return None
        covered = self._mark.read()
        if history.coverage.boot == boot():
            # Otherwise the machine went down: what was written last may be gone.
            covered = max(covered, self.last_byte or 0.0)
        history.coverage.opened(boot(), covered)
        return history.missing

    def _unwritten_since(self) -> float | None:
        """Write what waits.  Return when the first post came that still waits; None for none."""
        self.files.flush()
        return self.files.waiting.since

    def _look_later(self) -> None:
        self._timers.start("look alive", self._home.use.fsync_interval, self._look_alive)

    def _look_alive(self) -> None:
        """Sync new lines of the ledger, and move the mark on to what has been heard and written."""
        self._look_later()
        ledger = self._ledger.file
        if ledger.is_unsynced:
            ledger.is_unsynced = False
            # A disk that refuses this refuses the posts too, and they say so.
            self.files.syncing.file(ledger.fileno()).addErrback(lambda f: f.trap(OSError))
        silent = self._books.silent
        if silent is not None:
            heard, unwritten = self._home.wall() - silent, self._unwritten_since()
            until = heard if unwritten is None else min(heard, unwritten)
            self._mark.written(until, synced=self.files.is_synced)

    def _list_older_files(self) -> None:
        """
        Note which data files are older than the ledger.  This comes before its first line with
        counters, so that a file that appears later is not taken for an older one.
        """
        file = self._ledger.file
        if any("account" in line for line in file.newest_first()):
            return
        names = unbooked(self._naming, file)
        if names:
            file.write(bookings.Adopting(names=tuple(names)))

    def supplied_by(self, supply: Supply) -> None:
        """Pause `supply`, which brings the posts from now on, whenever the disk takes none."""
        self._books.supply = supply

    @property
    def waiting(self) -> int:
        """Number of posts that have been taken and are in no file yet."""
        return self.files.waiting.posts

    def store(self, posts: list[bytes]) -> None:
        """Take posts, without their newlines.  They are counted when they are in the file."""
        self.files.write(b"\n".join((*posts, b"")), len(posts))

    def flush(self) -> None:
        """Write the posts and the lines that wait, as far as the disk takes them."""
        self.files.flush()
        self._ledger.catch_up()

    def note(self, entry: Entry) -> None:
        """Put a line into the ledger; if the disk refuses it, it waits.  Does not raise OSError."""
        self._ledger.note(entry)

    def newest_lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the ledger, decoded, from the last one backwards."""
        return self._ledger.file.newest_first()

    @property
    def missed(self) -> float | None:
        """Seconds for which posts have been missed so far; None if none have."""
        return self.capture_log.missed

    def newest_ids(self, seconds: float, most_bytes: int) -> Deferred[list[str]]:
        """Read the newest posts in a thread.  Fires as StoredCapture.newest_ids() says."""
        self.files.flush()
        use, ledger, growing = self._home.use, self._ledger.file.path, self.files.path
        return use.threads(partial(stored_lately, ledger, growing, use.ids, seconds, most_bytes))

    def clock_stepped(self, seconds: float) -> None:
        """Note that the clock was set by `seconds`; the current file ends by its new time."""
        self.files.look_at_slot()
        self.capture_log.clock_stepped(seconds)

    def finish(self) -> Deferred[None]:
        """Finish the current file.  Fires when all posts are in files under their final names."""
        return self.files.finish()

    def close(self) -> Deferred[None]:
        """Finish the current file and let go of the folder.  Fires when both are done."""
        return self.files.finish().addCallback(lambda _: self._let_go())

    def give_up(self) -> None:
        """Log and note how many posts are lost, as the process ends before they are in a file."""
        self._timers.stop("look alive")
        posts = self.files.waiting.forget()
        if posts:
            self._books.given_up(posts)

    def _let_go(self) -> None:
        self._adoption.stop()
        self._timers.stop("look alive")
        self.note(bookings.CaptureClose(counters=self.tally.on_disk))
        self._mark.remove()
        self._ledger.file.close()
        del self._home.owners[self.name]

    def _opening(self) -> Entry:
        missing = self.capture_log.missing
        return bookings.CaptureOpen(
            schema=entries.VERSION,
            name=self.name,
            boot=boot(),
            counters=self.tally.on_disk,
            open_gap=None if missing is None else missing.for_ledger(),
        )


def _held_by_server(job: Job) -> int:
    """
    Return what the server counts for a job that is new here.  The newest update can be ahead of the
    job's own total, if its last client ended before it reported one.
    """
    return max(0, job.total_count or 0, job.recent_total or 0)
