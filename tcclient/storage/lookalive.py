"""
Whether a capture's disk has what there is, by now and soon.

Knows how often that is looked at; writes nothing itself.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime

from tcclient.runtime.timers import Timers, Together
from tcclient.storage.bookkeeper import Bookkeeper
from tcclient.storage.captureledger import CaptureLedger
from tcclient.storage.diskuse import Place
from tcclient.storage.files import RotatingFile

SAYING = 2.0
"""Seconds for which a report waits for the disk, so that what is told is kept before it is sent."""


class LookAlive:
    """
    Each fsync_interval syncs what is new of a ledger, and moves the mark on to what was heard and
    written.
    """

    def __init__(
        self, place: Place, files: RotatingFile, ledger: CaptureLedger, books: Bookkeeper
    ) -> None:
        self._place = place
        self._files = files
        self._ledger = ledger
        self._books = books
        self._timers = Timers(Together(place.clock))

    def unwritten_since(self) -> float | None:
        """Write what waits.  Return when the first post came that still waits; None for none."""
        waiting = self._files.waiting
        if waiting.since is not None:
            self._files.flush()
        return waiting.since

    def look_later(self) -> None:
        """Look in a while, and again and again until stop() is called."""
        self._timers.start("look", self._place.use.fsync_interval, self._look)

    def stop(self) -> None:
        """Do not look any more."""
        self._timers.stop("look")

    def _look(self) -> None:
        self.look_later()
        self._ledger.sync_soon()
        silent = self._books.silent
        if silent is not None:
            heard, unwritten = self._place.wall() - silent, self.unwritten_since()
            self._books.written = heard if unwritten is None else min(heard, unwritten)
            if self._files.is_synced:
                self._books.synced(self._books.written)


async def all_said(clock: IReactorTime, *written: Callable[[], Deferred[None]]) -> bool:
    """
    Return whether all is on the disk, or refused by it; not where it has not answered for SAYING
    seconds.  Each function begins to write, and returns a Deferred that fires then.
    """
    for write in written:
        try:
            await write().addTimeout(SAYING, clock)
        except TimeoutError:
            return False
        except OSError:
            pass  # what is refused has been logged
    return True
