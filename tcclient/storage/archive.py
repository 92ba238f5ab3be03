"""
The folder of one job while it is captured: its ledger, its data files, and its counters.

Knows what is written where, and in which order; does not know streams or servers.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcclient.control.jobs import Job
from tcclient.ledger import bookings, entries
from tcclient.ledger.capturelog import CaptureLog
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry
from tcclient.ledger.fold import resumed
from tcclient.ledger.gaps import CRASH, Missing
from tcclient.ledger.known import Known
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.lines import LedgerLine, UnreadableLine
from tcclient.ledger.reading import newest_first, newest_of_job
from tcclient.ledger.vocabulary import Vocabulary
from tcclient.runtime.boot import boot
from tcclient.runtime.timers import Timers
from tcclient.storage.adoption import Adoption, adopting, list_older_files
from tcclient.storage.alive import AliveMark
from tcclient.storage.bookkeeper import Bookkeeper
from tcclient.storage.captureledger import CaptureLedger, settle_for_another
from tcclient.storage.diskuse import Place, Supply
from tcclient.storage.files import RotatingFile
from tcclient.storage.lately import stored_lately
from tcclient.storage.notedtally import NotedTally

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


class Archive(StoredCapture):
    """
    The folder of a job that is captured; Folders.open() makes it.

    `ledger` is open, and `known` has what is in it and in files by now, None for a job that is new
    here.  `last_byte` is when (epoch seconds) the last byte was written that a crash left here,
    None if none has.  `capture_log` is told what happens to the capture, `tally` counts.  Neither
    store() nor note() raises OSError: a disk that refuses must not end a capture, and pauses what
    brings the posts instead.
    """

    def __init__(
        self,
        place: Place,
        job: Job,
        ledger: Ledger,
        known: Known | None,
        last_byte: float | None,
    ) -> None:
        self.job_id = job.id
        self.name = place.naming.name
        self.last_byte = last_byte
        self._place = place
        self._timers = Timers(place.clock)
        self._mark = AliveMark(place.folder / f".{self.name}.alive")
        known = known or Known(Counters(base=_held_by_server(job)), 0)
        self._ledger = CaptureLedger(ledger, job.id, known.noted, self._begin_anew)
        list_older_files(place.naming, ledger)
        settle_for_another(ledger, job.id)
        missing = self._missing()
        self.tally = NotedTally(
            known.counted,
            place.clock.seconds(),
            self.name,
            self.note,
            self._ledger.keep,
            lambda: self.files.unfinished,
            after_crash=missing is not None and missing.cause == CRASH,
        )
        self._books = Bookkeeper(
            self.name, self._ledger, self.tally, self._mark, place.wall, place.clock
        )
        self._books.gone(known.gone)
        self.files = RotatingFile(place, self._books)
        self.capture_log = CaptureLog(self.note, place.wall, missing, self._unwritten_since)
        self._ledger.write(self._opening())
        self._adoption = Adoption(place.folder, ledger.path, place.use, self.note)

    def begin(self, let_go: Callable[[], object], former: Sequence[Path] = ()) -> None:
        """
        Read older files and keep the mark, until close() has called `let_go`.  `former` are the
        ledgers of other folders that the job had lately, the newest first.
        """
        self._let_go, self._former = let_go, former
        self._look_later()
        self._adopt(self._adoption.go_on())

    def _adopt(self, reading: Coroutine[Any, Any, None]) -> None:
        Deferred.fromCoroutine(reading).addErrback(
            lambda failure: log.failure("Older files could not be taken into account.", failure)
        )

    def _begin_anew(self) -> None:
        """
        Restate how things stand, as the ledger is another one: somebody has removed or moved it, or
        has put one back.  Data files that it does not have are adopted.
        """
        log.error(
            "The ledger of {name!r} was removed or moved: the one that is there begins anew, and "
            "accounts for what happens from now on.",
            name=self.name,
        )
        self._books.restate()
        older = adopting(self._place.naming, self._ledger.file)
        if older is not None:  # where the next start looks for them: before the opening
            self.note(older)
        self.note(self._opening())
        self.capture_log.restate()
        self._adopt(self._adoption.run(() if older is None else older.names))

    def _missing(self) -> Missing | None:
        """Return the gap that an earlier process left open; None if the capture was not running."""
        file = self._ledger.file
        fold = resumed(newest_of_job(file.path, self.job_id), self.job_id)
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
        self._timers.start("look alive", self._place.use.fsync_interval, self._look_alive)

    def _look_alive(self) -> None:
        """Sync what is new of the ledger, and move the mark on to what was heard and written."""
        self._look_later()
        self._ledger.sync(self.files.syncing.file)
        silent = self._books.silent
        if silent is not None:
            heard, unwritten = self._place.wall() - silent, self._unwritten_since()
            self._books.written = heard if unwritten is None else min(heard, unwritten)
            if self.files.is_synced:
                self._books.synced(self._books.written)

    def supplied_by(self, supply: Supply) -> None:
        """Pause `supply`, which brings the posts from now on, whenever the disk takes none."""
        self._books.supply = supply

    @property
    def trouble(self) -> tuple[str, float] | None:
        """Why the disk takes no posts, and for how many seconds; None where it does."""
        return (self._books.trouble, self._books.troubled_for) if self._books.trouble else None

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

    def newest_lines(self, vocabulary: Vocabulary) -> Iterator[LedgerLine | UnreadableLine]:
        """Yield the lines of the ledger from the last one backwards, read by a vocabulary."""
        return newest_first(self._ledger.file.path, vocabulary=vocabulary)

    @property
    def missed(self) -> float | None:
        """Seconds for which posts have been missed so far; None if none have."""
        return self.capture_log.missed

    def newest_ids(self, seconds: float, most_bytes: int) -> Deferred[list[str]]:
        """Read the newest posts in a thread.  Fires as StoredCapture.newest_ids() says."""
        self.files.flush()
        use, growing = self._place.use, self.files.path
        ledgers = (self._ledger.file.path, *self._former)
        found_in = partial(stored_lately, self.job_id, ledgers, growing, use.ids)
        return use.threads(partial(found_in, seconds, most_bytes))

    def clock_stepped(self, seconds: float) -> None:
        """Note that the clock was set by `seconds`; the current file ends by its new time."""
        self.files.look_at_slot()
        self.capture_log.clock_stepped(seconds)

    def finish(self) -> Deferred[None]:
        """Finish the current file.  Fires when all posts are in files under their final names."""
        return self.files.finish()

    def close(self) -> Deferred[None]:
        """Finish the current file and let go of the folder.  Fires when both are done."""
        return self.files.finish().addCallback(lambda _: self._closed())

    def give_up(self) -> None:
        """Log and note how many posts are lost, as the process ends before they are in a file."""
        self._timers.stop("look alive")
        posts = self.files.waiting.forget()
        if posts:
            self._books.given_up(posts)

    def _closed(self) -> None:
        self._adoption.stop()
        self._timers.stop("look alive")
        self.note(bookings.CaptureClose(counters=self.tally.on_disk))
        self._mark.remove()
        self._ledger.file.close()
        self._let_go()

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
