"""
What becomes of a capture's files is counted, logged, noted in the ledger, and told to whoever
brings the posts.

Knows what is said of a file and of the disk; does not know when something is written.
"""

import os
from collections import deque
from contextlib import suppress
from itertools import islice
from pathlib import Path

import attrs
from msgspec import structs
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.ledger import bookings
from tcclient.ledger.bookings import File
from tcclient.ledger.counters import Tally
from tcclient.ledger.gaps import IN_FLIGHT
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.reading import newest_first
from tcclient.runtime.wallclock import Wall
from tcclient.storage.alive import AliveMark
from tcclient.storage.captureledger import CaptureLedger
from tcclient.storage.diskuse import Supply

log = Logger()

MOST_LOST = 100
"""Files that are remembered which somebody else has moved or changed."""

_LOOK_BACK = 1000
"""Lines of a ledger in which such names are looked for."""

NAMES_LAST = 3 * 3600.0
"""
Seconds after which no file can have a name again: slots last an hour at most, and another by local
time where clocks are set back.
"""

RETRY = 1.0
"""Seconds after which a disk that has refused something is tried again."""


@attrs.define
class _Lost:
    """A file that somebody else has moved or changed, and in which ledger what stands of it."""

    path: Path
    status: os.stat_result
    entry: bookings.NotStored
    ledger: object


@attrs.define
class Bookkeeper:
    """
    Keeps the books of the files of the capture `name`.  `wall` dates what came, `clock` measures
    how long the disk refuses.  `supply` is what brings the posts, None as long as nothing does; all
    that came until `written` (epoch seconds) is in files, as far as is known.  `trouble`
    says why the disk takes no posts, empty where it does.
    """

    name: str
    _ledger: CaptureLedger
    _tally: Tally
    _mark: AliveMark
    _wall: Wall
    _clock: IReactorTime
    supply: Supply | None = None
    written: float = 0.0
    trouble: str = ""
    _troubled_since: float = 0.0
    _lost: deque[_Lost] = attrs.field(factory=lambda: deque(maxlen=MOST_LOST))

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte came; None while nothing is heard."""
        return None if self.supply is None else self.supply.silent

    @property
    def troubled_for(self) -> float:
        """Seconds for which the disk has taken no posts; has a meaning where there is trouble."""
        return self._clock.seconds() - self._troubled_since

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

    def lost(self, posts: int, path: Path, status: os.stat_result, reason: str) -> None:
        """
        Log and note that posts are not where they were stored: in the file with this temporary name
        and status.  They stay counted, since the server has been told of them.
        """
        log.error(
            "{posts} posts of {name!r} are not where they were stored: {reason}. What comes is "
            "stored in another file; the next start counts what it finds under that name.",
            posts=posts,
            name=self.name,
            reason=reason,
        )
        entry = bookings.NotStored(posts=posts, reason=reason, counted=True, file=path.name)
        self._ledger.note(entry)
        if status.st_nlink:  # it is somewhere, and may come back
            self._lost.append(_Lost(path, status, entry, self._ledger.file.id))

    def gone(self, posts: int) -> None:
        """
        Log and note posts, if any, that the server has been told of and that no file has: a crash
        has taken them away, or somebody else has before one.  They stay counted.
        """
        if posts:
            reason = "the server has been told of them, and no file has them after a crash"
            log.error(
                "{posts} posts of {name!r} are lost: {reason}.",
                posts=posts,
                name=self.name,
                reason=reason,
            )
            self._ledger.write(bookings.NotStored(posts=posts, reason=reason, counted=True))

    def restate(self) -> None:
        """
        Note what was lost and has come back together with a ledger that does not have it: the next
        start must not count it a second time.
        """
        for lost in self._lost:
            with suppress(OSError):
                is_back = os.path.samestat(lost.path.lstat(), lost.status)
                if is_back and lost.ledger != self._ledger.file.id:
                    lost.ledger = self._ledger.file.id
                    self._ledger.note(lost.entry)

    def names_told(self) -> list[str]:
        """
        Return the temporary names that the newest lines call taken, or those of lost files; the
        last one last.
        """
        names: list[str] = []
        for one in islice(newest_first(self._ledger.file.path), _LOOK_BACK):
            match one:
                case LedgerLine(at=at) if at < self._wall() - NAMES_LAST:
                    break
                case LedgerLine(entry=bookings.NameTaken(file=str() as file)):
                    names.append(file)
                case LedgerLine(entry=bookings.NotStored(file=str() as file)):
                    names.append(file)
        return names[::-1]

    def name_taken(self, file: str) -> None:
        """Log and note that another file has a temporary name, so that the next one is used."""
        log.warn(
            "Capture {name!r}: there is another file named {file}, which is left alone: posts are "
            "stored in one with the next name.",
            name=self.name,
            file=file,
        )
        self._ledger.note(bookings.NameTaken(file=file))

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
        self.trouble, self._troubled_since = reason, self._clock.seconds()
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
        after, self.trouble = max(0.0, self.troubled_for), ""
        log.warn("Posts of {name!r} are stored again, after {s:.1f} s.", name=self.name, s=after)
        self._ledger.note(bookings.DiskRecovered(after=round(after, 3)))
