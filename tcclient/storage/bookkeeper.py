"""
What becomes of a capture's files is counted, logged, noted in the ledger, and told to whoever
brings the posts.

Knows what is said of a file and of the disk; does not know when something is written.
"""

import attrs
from msgspec import structs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.ledger import bookings
from tcclient.ledger.bookings import File
from tcclient.ledger.counters import Tally
from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.runtime.wallclock import Wall
from tcclient.storage.alive import AliveMark
from tcclient.storage.captureledger import CaptureLedger
from tcclient.storage.diskuse import Supply

log = Logger()

RETRY = 1.0
"""Seconds after which a disk that has refused something is tried again."""


@attrs.define
class Bookkeeper:
    """
    Keeps the books of the files of the capture `name`.  `wall` dates what came, `clock` measures
    how long the disk refuses.  `supply` is what brings the posts, None as long as nothing does; all
    that came until `written` (epoch seconds) is in files, as far as is known.
    """

    name: str
    _ledger: CaptureLedger
    _tally: Tally
    _mark: AliveMark
    _wall: Wall
    _clock: IReactorTime
    supply: Supply | None = None
    written: float = 0.0
    _troubled_since: float = 0.0

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte came; None while nothing is heard."""
        return None if self.supply is None else self.supply.silent

    def stored(self, posts: int) -> None:
        """Count posts that are in the file now."""
        self._tally.posts += posts

    def read_until(self) -> float | None:
        """
        Return until when all that came has been read, in epoch seconds, if that is IN_FLIGHT
        seconds ago or more; None: until now.  The time of a file that a crash leaves must not be
        later.
        """
        silent = self.silent
        return None if silent is None or silent < IN_FLIGHT else self._wall() - silent

    def book(self, file: File) -> None:
        """
        Write a finished file into the ledger, with the counters after it.  Raises OSError.  To be
        called while the temporary name still exists: whoever finds that name after a crash knows
        that the booking may be missing.
        """
        self._ledger.write(structs.replace(file, counters=self._tally.counters))

    def fileno(self) -> int:
        """Return the descriptor of the ledger, to sync before the temporary name goes."""
        return self._ledger.file.fileno()

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
        self._ledger.note(bookings.NotStored(posts=posts, reason=reason, counted=True))

    def given_up(self, posts: int) -> None:
        """Log and note posts that are lost, as the process ends before the disk has taken them."""
        reason = "the client ended before the disk took them"
        log.error(
            "{posts} posts of {name!r} are lost: {reason}.",
            posts=posts,
            name=self.name,
            reason=reason,
        )
        self._ledger.note(bookings.NotStored(posts=posts, reason=reason))

    def synced(self, until: float) -> None:
        """Set the mark: all that came until then (epoch seconds) is safe from a power cut."""
        if until:
            self._mark.set(until)

    def troubled(self, reason: str) -> None:
        """Log and note that the disk takes no posts."""
        self._troubled_since = self._clock.seconds()
        log.error(
            "Posts of {name!r} cannot be stored: {reason}. Nothing more is read; it is tried again "
            "every {s:g} s.",
            name=self.name,
            reason=reason,
            s=RETRY,
        )
        self._ledger.note(bookings.DiskTrouble(reason=reason))

    def recovered(self) -> None:
        """Log and note that the disk takes posts again, and after how long."""
        after = max(0.0, self._clock.seconds() - self._troubled_since)
        log.warn("Posts of {name!r} are stored again, after {s:.1f} s.", name=self.name, s=after)
        self._ledger.note(bookings.DiskRecovered(after=round(after, 3)))
