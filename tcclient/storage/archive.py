"""
The folder of one job while it is captured: its ledger, its data files, and its counters.

Knows what is written where, and in which order; does not know streams or servers.
"""

from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.control.jobs import Job
from tcclient.ledger import entries
from tcclient.ledger.capturelog import CaptureLog
from tcclient.ledger.counters import Counters, CountUpdate, Tally
from tcclient.ledger.entries import Entry
from tcclient.ledger.fold import resumed
from tcclient.ledger.gaps import CRASH, IN_FLIGHT, Missing
from tcclient.ledger.ledgerfile import Ledger
from tcclient.runtime.boot import boot
from tcclient.runtime.failures import explain_os
from tcclient.runtime.producers import Pausable
from tcclient.runtime.timers import Timers
from tcclient.storage.adoption import Adoption, found_before, unbooked
from tcclient.storage.alive import AliveMark
from tcclient.storage.diskuse import DiskUse, FileOwner
from tcclient.storage.files import RETRY, RotatingFile
from tcclient.storage.growing import Finished
from tcclient.storage.lately import stored_lately
from tcclient.storage.recovery import ledger_path
from tcclient.storage.slots import Naming

log = Logger()


class Supply(Pausable, Protocol):
    """What brings posts to an archive."""

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte came; None while the stream is not heard."""


class StoredCapture(Protocol):
    """What is known of the posts of a capture that are stored, and of those that are missing."""

    job_id: int

    @property
    def missed(self) -> float | None:
        """Seconds for which posts have been missed that existed; None if none have."""

    def newest_ids(self, seconds: float) -> Deferred[list[str]]:
        """
        Fire with the ids of the posts that were made within `seconds` before the newest stored one.
        The post stored last is the last; of very many posts only the newest are read.
        """


class Home(Protocol):
    """What an archive needs to know of the place where all folders are."""

    @property
    def base_dir(self) -> Path:
        """The directory that holds the folders of all captures."""

    @property
    def clock(self) -> IReactorTime:
        """The clock that dates the lines of ledgers, and names files."""

    @property
    def steady(self) -> IReactorTime:
        """The clock that measures how long something took."""

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


class Archive(FileOwner, StoredCapture):
    """
    The folder of a job that is captured; Folders.open() makes it.

    First recovers what an earlier process has left there.  `capture_log` is told what happens to
    the capture.  `last_byte` is when (epoch seconds) the last byte was written that a crash left
    here, None if none has.  Neither store() nor note() raises OSError: a disk that refuses must not
    end a capture, and pauses its `supply` instead.
    """

    def __init__(
        self, home: Home, naming: Naming, job: Job, counters: Counters | None = None
    ) -> None:
        self.job_id = job.id
        self.supply: Supply | None = None
        self.name = naming.name
        self._naming = naming
        self._home = home
        folder = home.base_dir / naming.name
        self.files = RotatingFile(folder, naming, home.clock, self, home.use)
        self._troubled_since = 0.0
        self._raised = 0  # how often in a row the server's total was above ours
        self._silenced = False
        self._timers = Timers(home.steady)
        self._mark = AliveMark(folder / f".{naming.name}.alive")
        self._ledger = Ledger(ledger_path(home.base_dir, naming.name), home.clock)
        with ExitStack() as undo:
            undo.callback(self._ledger.close)
            self.last_byte = home.recover(naming, self._ledger)
            self._list_older_files(folder, naming)
            counters = counters or home.counters(job) or Counters(base=_held_by_server(job))
            self.tally = Tally(counters, home.steady.seconds())
            missing = self._missing(job)
            self.capture_log = CaptureLog(self.note, home.clock, missing, self._unwritten_since)
            self._after_crash = missing is not None and missing.cause == CRASH
            self._ledger.write(self._opening(), job.id)
            home.note_name(job)  # last: until then the counters are found where they were
            home.owners[naming.name] = job.id
            undo.pop_all()
        self._look_later()
        self._adoption = Adoption(folder, self._ledger.path, home.use, self.note)
        self._adopt(self._adoption.go_on())

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
        self.note(self._opening())
        self.capture_log.restate()
        names = unbooked(self._ledger.path.parent, self._naming, self._ledger)
        if names:
            self.note(entries.Adopting(names=tuple(names)))
            self._adopt(self._adoption.run(names))

    def _missing(self, job: Job) -> Missing | None:
        """Return the gap that an earlier process left open; None if the capture was not running."""
        fold = resumed(self._ledger.read_backwards(), job.id)
        if fold.damaged:
            log.warn(
                "Of the newest lines of {path} {n} cannot be read, so that what they say is not "
                "known: tcc-account --verify names them.",
                path=str(self._ledger.path),
                n=fold.damaged,
            )
        history = fold.jobs.get(job.id)
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
        return self.files.waiting_since

    def _look_later(self) -> None:
        self._timers.start("look alive", self._home.use.fsync_interval, self._look_alive)

    def _look_alive(self) -> None:
        """Sync new lines of the ledger, and move the mark on to what has been heard and written."""
        self._look_later()
        if self._ledger.is_unsynced:
            self._ledger.is_unsynced = False
            # A disk that refuses this refuses the posts too, and they say so.
            self.files.sync(self._ledger.fileno()).addErrback(lambda f: f.trap(OSError))
        silent = None if self.supply is None else self.supply.silent
        if silent is not None:
            heard, unwritten = self._home.clock.seconds() - silent, self._unwritten_since()
            until = heard if unwritten is None else min(heard, unwritten)
            self._mark.written(until, synced=self.files.is_synced)

    def _list_older_files(self, folder: Path, naming: Naming) -> None:
        """
        Note which data files are older than the ledger.  This comes before its first line with
        counters, so that a file that appears later is not taken for an older one.
        """
        names = found_before(folder, naming, self._ledger)
        if names:
            self._ledger.write(entries.Adopting(names=tuple(names)))

    @property
    def waiting(self) -> int:
        """Number of posts that have been taken and are in no file yet."""
        return self.files.waiting

    def store(self, posts: list[bytes]) -> None:
        """Take posts, without their newlines.  They are counted when they are in the file."""
        self.files.write(b"\n".join((*posts, b"")), len(posts))

    def flush(self) -> None:
        """Write the posts and the lines that wait, as far as the disk takes them."""
        self.files.flush()
        with self._complaining_once():
            self._ledger.catch_up()

    def stored(self, posts: int) -> None:
        """Count posts that are in the file now."""
        self.tally.posts += posts

    def read_until(self) -> float | None:
        """
        Return when the last byte came, in epoch seconds, if that is IN_FLIGHT seconds ago or more;
        otherwise None.
        """
        silent = None if self.supply is None else self.supply.silent
        return None if silent is None or silent < IN_FLIGHT else self._home.clock.seconds() - silent

    def book(self, file: Finished) -> None:
        """Write a finished file into the ledger, with the counters after it.  Raises OSError."""
        self._ledger.write(file.for_ledger(self.tally.counters), self.job_id)

    def fileno(self) -> int:
        """Return the descriptor of the ledger."""
        return self._ledger.fileno()

    def pauseProducing(self) -> None:
        """Pause what brings the posts, while the disk takes none."""
        if self.supply is not None:
            self.supply.pauseProducing()

    def resumeProducing(self) -> None:
        """Have posts brought again."""
        if self.supply is not None:
            self.supply.resumeProducing()

    def lost(self, posts: int, reason: str) -> None:
        """
        Log and note that posts are gone which had been stored.  They stay counted, since the server
        has been told of them.
        """
        log.error(
            "Capture {name!r}: {posts} posts are gone: {reason}.",
            name=self.name,
            posts=posts,
            reason=reason,
        )
        self.note(entries.NotStored(posts=posts, reason=reason, counted=True))

    def sync_begins(self) -> None:
        """Have the mark remember what is in files now."""
        self._mark.sync_begins()

    def synced(self) -> None:
        """Set the mark: what was in files when the sync began is safe."""
        self._mark.synced()

    def troubled(self, reason: str) -> None:
        """Log and note that the disk takes no posts."""
        self._troubled_since = self._home.steady.seconds()
        log.error(
            "Posts of {name!r} cannot be stored: {reason}. Nothing more is read; it is tried again "
            "every {s:g} s.",
            name=self.name,
            reason=reason,
            s=RETRY,
        )
        self.note(entries.DiskTrouble(reason=reason))

    def recovered(self) -> None:
        """Log and note that the disk takes posts again, and after how long."""
        after = max(0.0, self._home.steady.seconds() - self._troubled_since)
        log.warn("Posts of {name!r} are stored again, after {s:.1f} s.", name=self.name, s=after)
        self.note(entries.DiskRecovered(after=round(after, 3)))

    def note(self, entry: Entry) -> None:
        """Put a line into the ledger; if the disk refuses it, it waits.  Does not raise OSError."""
        with self._complaining_once():
            self._ledger.note(entry, self.job_id)
        if self._ledger.is_renewed:
            self._ledger.is_renewed = False
            self._begin_anew()

    def newest_lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the ledger, decoded, from the last one backwards."""
        return self._ledger.newest_first()

    @property
    def missed(self) -> float | None:
        """Seconds for which posts have been missed so far; None if none have."""
        return self.capture_log.missed

    def newest_ids(self, seconds: float) -> Deferred[list[str]]:
        """
        Read the newest posts in a thread.  Fires with the ids of those that were made within
        `seconds` before the newest one, in the order in which they were stored.
        """
        return self._home.use.threads(
            partial(stored_lately, self._ledger.path, self._home.use.ids, seconds)
        )

    def clock_stepped(self, seconds: float) -> None:
        """Note that the clock was set by `seconds`; the current file ends by its new time."""
        self.files.clock_stepped()
        self.capture_log.clock_stepped(seconds)

    def take_server_total(self, server_total: int | None) -> None:
        """
        Raise the base if the server's total is above ours, and note it in the ledger.  The log says
        it the first time, and once more if the next total is above ours again.
        """
        more = self.tally.rebase(server_total)
        if more:
            self._say_raised(more)
            counters = self._counters_on_disk()
            self.note(
                entries.Base(raised_by=more, counters=counters, after_crash=self._after_crash)
            )
        self._raised = self._raised + 1 if more else 0
        self._after_crash = False

    def _say_raised(self, more: int) -> None:
        if self._raised == 0:
            why = "lost with the crash, maybe" if self._after_crash else "captured elsewhere"
            log.warn(
                "The server counts {more} posts more for {name!r} than are known here ({why}); the "
                "base rises by them.",
                more=more,
                name=self.name,
                why=why,
            )
        elif self._raised == 1:
            log.warn(
                "The server's total for {name!r} keeps rising above ours: another client reports "
                "for the same job, with this client's token. Give each its own.",
                name=self.name,
            )

    def settled(self, update: CountUpdate) -> None:
        """Note that the server has taken `update`, in the ledger too, as a restart must know."""
        self.tally.accepted(update)
        if update.count:
            self._note_update(update.count)

    def settle(self, recent_total: int | None) -> None:
        """
        Decide by the total of the server's newest update whether the server has taken the update
        whose answer was not seen.  If so, note that in the ledger, as for every other update.
        """
        before = self.tally.settled
        self.tally.settle(recent_total)
        if self.tally.settled > before:
            self._note_update(self.tally.settled - before)

    def finish(self) -> Deferred[None]:
        """Finish the current file.  Fires when all posts are in files under their final names."""
        return self.files.finish()

    def close(self) -> Deferred[None]:
        """Finish the current file and let go of the folder.  Fires when both are done."""
        return self.files.finish().addCallback(lambda _: self._let_go())

    def give_up(self) -> None:
        """
        Log and note how many posts are lost, as the process ends before the disk has taken them.
        """
        self._timers.stop("look alive")
        posts = self.files.give_up()
        if posts:
            reason = "the client ended before the disk took them"
            log.error(
                "{posts} posts of {name!r} are lost: {reason}.",
                posts=posts,
                name=self.name,
                reason=reason,
            )
            self.note(entries.NotStored(posts=posts, reason=reason))

    def _let_go(self) -> None:
        self._adoption.stop()
        self._timers.stop("look alive")
        self.note(entries.CaptureClose(counters=self._counters_on_disk()))
        self._mark.remove()
        self._ledger.close()
        del self._home.owners[self.name]

    def _opening(self) -> Entry:
        missing = self.capture_log.missing
        return entries.CaptureOpen(
            schema=entries.VERSION,
            name=self.name,
            boot=boot(),
            counters=self._counters_on_disk(),
            open_gap=None if missing is None else missing.for_ledger(),
        )

    def _note_update(self, count: int) -> None:
        self.note(entries.Update(count=count, counters=self._counters_on_disk()))

    def _counters_on_disk(self) -> Counters:
        """Return the counters, of posts those in finished files: recovery counts the others."""
        counters = self.tally.counters
        return attrs.evolve(counters, posts=counters.posts - self.files.unfinished)

    @contextmanager
    def _complaining_once(self) -> Iterator[None]:
        """Log that the ledger cannot be written, once until it can be again, and go on."""
        try:
            yield
        except OSError as e:
            if not self._silenced:
                log.error(
                    "Cannot write to {path}: {reason}.",
                    path=str(self._ledger.path),
                    reason=explain_os(e),
                )
            self._silenced = True
        else:
            self._silenced = False


def _held_by_server(job: Job) -> int:
    """
    Return what the server counts for a job that is new here.  The newest update can be ahead of the
    job's own total, if its last client ended before it reported one.
    """
    return max(0, job.total_count or 0, job.recent_total or 0)
