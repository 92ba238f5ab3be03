"""
The folder of one job while it is captured: its ledger, its data files, and its counters.

Knows what is written where, and in which order; does not know streams or servers.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcclient.control.jobs import Job
from tcclient.ledger import bookings, entries
from tcclient.ledger.bookings import Adopting, Torn
from tcclient.ledger.capturelog import CaptureLog
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry
from tcclient.ledger.gaps import CRASH, RESTORED
from tcclient.ledger.known import Known, stands
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.lines import LedgerLine, UnreadableLine
from tcclient.ledger.reading import newest_first
from tcclient.ledger.vocabulary import Vocabulary
from tcclient.runtime.machine import boot
from tcclient.storage.adoption import Adoption, lacking, list_older_files, listed
from tcclient.storage.alive import AliveMark
from tcclient.storage.bookkeeper import Bookkeeper
from tcclient.storage.captureledger import CaptureLedger, settle_for_another
from tcclient.storage.diskuse import Place, Supply
from tcclient.storage.ending import ArchiveEnd
from tcclient.storage.files import RotatingFile
from tcclient.storage.lately import newest_posts, stored_lately
from tcclient.storage.leftovers import held_by_server, left_open, take_over
from tcclient.storage.lookalive import LookAlive, all_said
from tcclient.storage.notedtally import NotedTally

log = Logger()

T = TypeVar("T")


class Archive:
    """
    The folder of a job that is captured; Folders.open() makes it.

    `ledger` is open, and `known` has what is in it and in files by now, None for a job that is new
    here.  `last_byte` is when (epoch seconds) the last byte was written that a crash left here,
    None if none has.  `capture_log` is told what happens to the capture, `tally` counts.  Neither
    store() nor note() raises OSError: a disk that refuses must not end a capture, and pauses what
    brings the posts instead.  `is_given_up`: the process has not waited until all was finished, and
    `is_stored`: all posts are in files even so, on a disk without trouble.
    """

    def __init__(
        self, place: Place, job: Job, ledger: Ledger, known: Known | None, last_byte: float | None
    ) -> None:
        self.job_id = job.id
        self.name = place.naming.name
        self.is_given_up, self.is_stored = False, True
        self.last_byte = last_byte
        self._place, self._opened = place, place.wall()
        known = known or Known(Counters(base=held_by_server(job)), 0)
        self._ledger = CaptureLedger(ledger, job.id, known.noted, self._begin_anew, place)
        self._ending = ArchiveEnd(place.clock, self._close, self._forget, self._ledger.release)
        self._mark = AliveMark(place.folder / f".{self.name}.alive", self._ledger.lane)
        self._ledger.say_another()
        list_older_files(place.naming, ledger, is_another=self._ledger.is_another is not None)
        settle_for_another(ledger, job.id)
        missing = left_open(self._ledger, stands(ledger.path, job.id), self._mark.read(), last_byte)
        self.tally = NotedTally(
            known.counted,
            place.clock.seconds(),
            self.name,
            self.note,
            self._ledger.keep,
            lambda: self.files.unfinished,
            after_crash=missing is not None and missing.cause in (CRASH, RESTORED),
        )
        self._books = Bookkeeper(self.name, self._ledger, self.tally, self._mark, place)
        self._books.gone(known.gone)
        self.files = RotatingFile(place, self._books)
        self._look = LookAlive(place, self.files, self._ledger, self._books)
        self.capture_log = CaptureLog(self.note, place.wall, missing, self._look.unwritten_since)
        self._ledger.write(_opening(self))
        self._adoption = Adoption(place.folder, ledger.path, place.use, self.note)

    def begin(self, let_go: Callable[[], object], former: Sequence[Path] = ()) -> None:
        """
        Read older files and keep the mark, until close() has called `let_go`.  `former` are the
        ledgers of other folders that the job had lately, the newest first.
        """
        self._ending.let_go, self._former = let_go, former
        self._look.look_later()
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
        take_over(self._place, self._ledger, self.tally, self.capture_log, self._opened)
        self._books.restate()
        self._restate(lacking(self._place.naming, self._ledger.path))

    def _restate(self, lines: Sequence[Adopting | Torn]) -> None:
        """Restate how things stand, with lines that the ledger lacks, and adopt their files."""
        for one in lines:  # where the next start looks for them: before the opening
            self.note(one)
        self.note(_opening(self))
        self.capture_log.restate()
        self._adopt(self._adoption.run(listed(lines)))

    def supplied_by(self, supply: Supply) -> None:
        """Pause `supply`, which brings the posts from now on, whenever the disk takes none."""
        self._books.supply = supply

    @property
    def trouble(self) -> tuple[str, float] | None:
        """Why the disk takes no posts, and for how many seconds; None where it does."""
        return (self._books.trouble, self._books.troubled_for) if self._books.trouble else None

    @property
    def safe(self) -> float | None:
        """Until when all that came is on the disk, in epoch seconds; None where nobody knows."""
        return self._books.safe

    @property
    def ledger(self) -> CaptureLedger:
        """The ledger that the lines go into."""
        return self._ledger

    async def begin_another_ledger(self, because: str) -> None:
        """
        Go on in a ledger with another id, which says `because` of what, and restate there how
        things stand.  Data files that it does not have are adopted.  Raises OSError.
        """
        find = partial(lacking, self._place.naming, self._ledger.path)
        older = await self._place.use.threads(find)
        await self._ledger.begin_another(because)
        self._restate(older)

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
        return newest_first(self._ledger.path, vocabulary=vocabulary)

    @property
    def missed(self) -> float | None:
        """Seconds for which posts have been missed that existed; None if none have."""
        return self.capture_log.missed

    def newest_ids(self, seconds: float, most_bytes: int) -> Deferred[list[str]]:
        """
        Fire with the ids of the posts that were made within `seconds` before the newest stored one.
        The post stored last is the last; of more than `most_bytes` only the newest are read.
        """
        found_in = partial(stored_lately, ids=self._place.use.ids)
        return self._read(partial(found_in, seconds=seconds, most_bytes=most_bytes))

    def newest_posts(self, most: int, most_bytes: int) -> Deferred[list[bytes]]:
        """Read so many in a thread, the newest last, or fewer, if they are more bytes."""
        return self._read(partial(newest_posts, most=most, most_bytes=most_bytes))

    def _read(self, read: Callable[[int, Sequence[Path], Path | None], T]) -> Deferred[T]:
        """Read what is written, and what waits by now."""

        def begin(_: None) -> Deferred[T]:
            ledgers = (self._ledger.path, *self._former)
            return self._place.use.threads(partial(read, self.job_id, ledgers, self.files.path))

        return self.files.written().addCallback(begin)

    async def all_said(self) -> bool:
        """
        Write what waits, and return whether all that was noted or is to be kept is on the disk, or
        refused by it; not where it has not answered for SAYING seconds.  Otherwise a process that
        dies would leave less than the server has been told.
        """
        return not self.is_given_up and await all_said(
            self._place.clock, self.files.written, self._ledger.written
        )

    def clock_stepped(self, seconds: float) -> None:
        """Note that the clock was set by `seconds`; the current file ends by its new time."""
        self.files.look_at_slot()
        self.capture_log.clock_stepped(seconds)

    def finish(self) -> Deferred[None]:
        """Finish the current file.  Fires when it is, or all has been given up."""
        return self.files.finish()

    def close(self) -> Deferred[None]:
        """Finish the current file and let go of the folder.  Fires when both are, or given up."""
        return self._ending.close()

    def leave(self) -> None:
        """Give up before long what the disk does not take: the process ends."""
        self._ending.leave(lambda: self.files.taken_at)

    def give_up(self) -> None:
        """Log and note how many posts are lost, as the process ends; nobody waits for them."""
        self._ending.give_up()

    async def _close(self) -> None:
        await self.files.finish()
        self._adoption.stop()
        self._look.stop()
        self.note(bookings.CaptureClose(counters=self.tally.on_disk))
        await self._ledger.close(self._mark.remove)

    def _forget(self) -> None:
        self._adoption.stop()
        self._look.stop()
        self.is_given_up = True
        posts = self.files.give_up()
        self.is_stored = not (posts or self.trouble)
        self._books.given_up(posts)


def _opening(archive: Archive) -> Entry:
    """Return the line that says how things stand."""
    missing = archive.capture_log.missing
    return bookings.CaptureOpen(
        schema=entries.VERSION,
        name=archive.name,
        boot=boot(),
        counters=archive.tally.on_disk,
        open_gap=None if missing is None else missing.for_ledger(),
    )
