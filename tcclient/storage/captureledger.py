"""
The ledger of one capture as the capture writes it: a disk that refuses a line is no reason to end.

Knows that lines wait then, and that somebody may remove the file; does not know what lines say.
"""

import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcclient.ledger.another import why_another
from tcclient.ledger.bookings import Update
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry
from tcclient.ledger.fold import told_counters
from tcclient.ledger.known import LeftInLedger, known_counters
from tcclient.ledger.ledgerfile import Ledger
from tcclient.runtime.failures import explain_os
from tcclient.runtime.wallclock import Date
from tcclient.storage.diskuse import Place
from tcclient.storage.lane import PATIENCE, Lane
from tcclient.storage.lines import Lines

log = Logger()

OTHERS = {
    "removed": "was removed",
    "shorter": "is shorter than it was, as one from a backup",
    "copied": "is a copy, as one that was put back or is for another client",
    "replaced": "was replaced by that of another folder",
    "ahead": "has not all that the capture server has of it, as one that was put back",
    "behind": "lacks a part that the capture server lacks too",
}
"""What has become of a ledger, by the reasons of its first line."""


class CaptureLedger:
    """
    Writes the lines of one job into a ledger, which is open as `file`; by its lines so far so many
    posts are `settled`.  All that is done with the file after the last write() is done in the
    `lane`.  `begun_anew` is called when the file was removed and another one has been begun, and
    `grown` whenever lines have been appended.
    """

    def __init__(
        self,
        file: Ledger,
        job_id: int,
        settled: int,
        begun_anew: Callable[[], object],
        place: Place,
    ) -> None:
        self._file = file
        self.job_id = job_id
        self._settled = settled
        self._begun_anew = begun_anew
        self._silenced = self._is_syncing = False
        self._kept: Counters | None = None
        self._placing: list[Callable[[str], object]] = []
        self.grown: Callable[[], object] = lambda: None
        self._wall = place.wall
        self._name = place.naming.name
        self._is_closed = False
        self._told = file.length
        self._descriptors = place.use.descriptors
        self.lane = Lane(place.use.writing, place.clock, self._speed_changed)
        self._lines = Lines(self._append, self.lane, place.wall, self._complain_once)
        self.path = file.path
        self.is_another = why_another(file.path)
        self._learn()

    def _learn(self) -> None:
        self.id, self.length = self._file.id, self._file.length

    @property
    def found(self) -> LeftInLedger | None:
        """What another process's ledger said that was found in the place of this one's."""
        return self._file.found.get(self.job_id)

    def write(self, entry: Entry) -> None:
        """Append a line at once, before any is noted.  If it raises OSError, it is lost."""
        self._file.write(self._with_count(entry), self.job_id)
        counters = told_counters(entry)
        if counters is not None:
            self._settled = counters.settled
            self._file.keep(self.job_id, counters)
        self._learn()

    def note(self, entry: Entry, placed: Callable[[str], object] | None = None) -> None:
        """
        Append a line; if the disk refuses it, it waits.  Does not raise OSError.  `placed` is
        called with the id of the ledger that has the line, once one has.
        """
        if placed is not None:
            self._placing.append(placed)
        counters = told_counters(entry)
        self._lines.add(self._with_count(entry), self.job_id)
        if counters is not None:
            self._settled = counters.settled
            self.keep(counters)

    def keep(self, counters: Counters) -> None:
        """Keep beside the ledger what the next line with counters is to say, unless it is there."""
        if self._lines.is_at_rest and self._file.kept.has(self.id, self.job_id, counters):
            return
        self._kept = counters
        self._lines.call()

    def written(self) -> Deferred[None]:
        """
        Fire when all that was noted is in the ledger, and what is to be kept beside it; fail with
        OSError where the disk refuses it.
        """
        return self._lines.written()

    async def sync(self) -> None:
        """Sync what was written, and what is kept.  Raises OSError."""
        await self.lane.run(partial(_sync, self._file))

    def sync_soon(self) -> None:
        """Begin to sync what is new, if anything is, unless that is under way."""
        if not self._is_syncing and (self._file.is_unsynced or self._file.kept.is_unsynced):
            self._is_syncing = True
            # A disk that refuses this refuses the posts too, and they say so.
            Deferred.fromCoroutine(self.sync()).addErrback(
                lambda failure: failure.trap(OSError)
            ).addCallback(lambda _: setattr(self, "_is_syncing", False))

    def catch_up(self) -> None:
        """Append the lines that wait, as far as the disk takes them.  Does not raise OSError."""
        self._lines.go_on()

    async def begin_another(self, because: str) -> None:
        """Go on in a ledger with another id; then restate how things stand.  Raises OSError."""
        now = self._wall()

        def act() -> None:
            self._file.begin_another(because, now)
            self._learn()

        await self.lane.run(act)

    async def close(self, meanwhile: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """
        Close the file when what was noted is there, or is refused, which is logged; and what is to
        be done before it is let go of.
        """
        with suppress(OSError):
            await self.written()
        await meanwhile()
        await self._close()

    def release(self) -> None:
        """Close the file when the disk has done what it was given, if it is not closed yet."""
        Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            await self.lane.run(self._file.close)

    def _speed_changed(self) -> None:
        if self.lane.is_slow:
            self._complain_once(OSError(f"it has not answered for {PATIENCE:g} s"))

    def _append(self, lines: list[bytes], now: Date) -> Callable[[], None]:
        """Return what appends the lines, and keeps what is to be kept."""
        kept, self._kept = self._kept, None

        def act() -> None:
            known = kept
            try:
                if lines and not self._is_closed:
                    self._file.append(lines, now)
                    self._learn()
            except OSError:  # posts of which the line waits are still to be recovered
                known = kept and structs.replace(kept, base=0, posts=0)
                raise
            finally:
                if known is not None and not self._is_closed:
                    self._file.keep(self.job_id, known)

        return act

    def _with_count(self, entry: Entry) -> Entry:
        """Return a line with counters with what the server has taken since the last one."""
        counters = told_counters(entry)
        if counters is None:
            return entry
        count = counters.settled - self._settled
        return structs.replace(entry, count=count, counters=counters.lasting)

    def say_another(self) -> None:
        """Log that the ledger is another one than this folder had, if it is."""
        if self.is_another:
            log.warn(
                "The ledger {path} {what}: it goes on under another id, and files that it does not "
                "have are read.",
                path=str(self.path),
                what=OTHERS[self.is_another],
            )

    def say_damaged(self, lines: int) -> None:
        """Log that so many of the newest lines cannot be read, if any."""
        if lines:
            log.warn(
                "Of the newest lines of {path} {n} cannot be read, so that what they say is not "
                "known: tcc-account --verify names them.",
                path=str(self.path),
                n=lines,
            )

    def _complain_once(self, refusal: OSError | None) -> None:
        """Log that the ledger cannot be written, once until it can be again, and go on."""
        if refusal is not None:
            reason = explain_os(refusal)
            if not self._silenced and self._descriptors.is_news(self, reason):
                log.error("Cannot write to {path}: {reason}.", path=str(self.path), reason=reason)
            self._silenced = True
            return
        self._silenced = False
        self._descriptors.ends(self)
        placing, self._placing = self._placing, []
        for placed in placing:
            placed(self.id)
        if self._file.is_renewed:
            self._file.is_renewed = False
            log.error(
                "The ledger of {name!r} was removed, moved or written over: the one that is there "
                "begins anew, and accounts for what happens from now on.",
                name=self._name,
            )
            self._begun_anew()
        if self.length != self._told:
            self._told = self.length
            self.grown()


def settle_for_another(ledger: Ledger, job_id: int) -> None:
    """
    Note what is kept beside a ledger of another job, which had the folder last: from now on that of
    the job `job_id` is kept.  Raises OSError.
    """
    last = ledger.kept.state.job
    if last in (None, job_id):
        return
    for job, known in known_counters(ledger.path, last).items():
        count = known.counters.settled - known.noted
        if count:
            ledger.write(Update(count=count, counters=known.counters), job)


def _sync(file: Ledger) -> None:
    if file.is_unsynced:
        os.fdatasync(file.fileno())
        file.is_unsynced = False
    if file.kept.is_unsynced:
        file.kept.is_unsynced = False
        with suppress(OSError), file.kept.path.open("rb") as state:
            os.fdatasync(state.fileno())
