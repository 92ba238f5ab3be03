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

from msgspec import Struct, structs
from twisted.logger import Logger

from tcclient.ledger import bookings
from tcclient.ledger.bookings import File
from tcclient.ledger.counters import Tally
from tcclient.ledger.lines import LedgerLine
from tcclient.ledger.reading import newest_first
from tcclient.runtime.shortage import OUT_OF_DESCRIPTORS
from tcclient.storage.alive import AliveMark
from tcclient.storage.captureledger import CaptureLedger
from tcclient.storage.diskuse import Place, Supply

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


class _Lost(Struct, eq=False):
    """
    A file that somebody else has moved or changed, and which ledger has the line of it, None while
    that waits.  Of one that an earlier process has lost the status is not known.
    """

    path: Path
    status: os.stat_result | None
    entry: bookings.NotStored
    ledger: str | None = None

    def is_told_by(self, ledger: str) -> None:
        """Take note that the ledger with this id has the line."""
        self.ledger = ledger


class Bookkeeper:
    """
    Keeps the books of the files of the capture `name` at a place.  `supply` is what brings the
    posts, None as long as nothing does; all that came until `written` (epoch seconds) is in files,
    as far as is known, and until `safe` on the disk, None where nobody knows.  `trouble` says why
    the disk takes no posts, empty where it does.
    """

    def __init__(
        self, name: str, ledger: CaptureLedger, tally: Tally, mark: AliveMark, place: Place
    ) -> None:
        self.name = name
        self.ledger = ledger
        self.supply: Supply | None = None
        self.written = 0.0
        self.safe: float | None = None
        self.trouble = ""
        self._tally = tally
        self._mark = mark
        self._place = place
        self._troubled_since = 0.0
        self._is_too_large = False  # the newest post
        self._lost: deque[_Lost] = deque(maxlen=MOST_LOST)

    @property
    def silent(self) -> float | None:
        """Seconds since the last byte came; None while nothing is heard."""
        return None if self.supply is None else self.supply.silent

    @property
    def troubled_for(self) -> float:
        """Seconds for which the disk has taken no posts; has a meaning where there is trouble."""
        return self._place.clock.seconds() - self._troubled_since

    def stored(self, posts: int) -> None:
        """Count posts that are in the file now."""
        self._tally.posts += posts
        self._is_too_large = False

    def read_until(self) -> float:
        """
        Return until when all that came has been read, in epoch seconds.  The time of a file that a
        crash leaves must not be later.
        """
        return self._place.wall() - (self.silent or 0.0)

    def book(self, file: File) -> None:
        """
        Note a finished file in the ledger, with the counters after it.  To be called while the
        temporary name still exists: whoever finds that name after a crash knows that the booking
        may be missing.
        """
        self.ledger.note(structs.replace(file, counters=self._tally.counters))

    async def booked(self) -> None:
        """
        Return when all bookings are in the ledger, and safe, before the temporary name goes.
        Raises OSError.
        """
        await self.ledger.written()
        await self.ledger.sync()

    def pauseProducing(self) -> None:
        """Pause what brings the posts, while the disk takes none."""
        if self.supply is not None:
            self.supply.pauseProducing()

    def resumeProducing(self) -> None:
        """Have posts brought again."""
        if self.supply is not None:
            self.supply.resumeProducing()

    def lost(
        self, posts: int, path: Path, status: os.stat_result, reason: str, beside: str
    ) -> None:
        """
        Log and note that posts are not where they were stored: in the file with this temporary name
        and status, `beside` the ledger of this id.  They stay counted: the server was told of them.
        """
        log.error(
            "{posts} posts of {name!r} are not where they were stored: {reason}. What comes is "
            "stored in another file; the next start counts what it finds under that name.",
            posts=posts,
            name=self.name,
            reason=reason,
        )
        entry = bookings.NotStored(posts, reason, True, path.name, beside)
        lost = _Lost(path, status, entry)
        self.ledger.note(entry, lost.is_told_by)
        if status.st_nlink:  # it is somewhere, and may come back
            self._lost.append(lost)

    def too_large(self, size: int) -> None:
        """Log, of several in a row once, and note a post of so many bytes, which no file takes."""
        reason = f"no file may have {size} bytes (ulimit -f, or the file system's limit)"
        if not self._is_too_large:
            log.error(
                "A post of {name!r} is lost: {reason}. What is smaller is stored.",
                name=self.name,
                reason=reason,
            )
        self._is_too_large = True
        self.ledger.note(bookings.NotStored(posts=1, reason=reason))

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
            self.ledger.write(bookings.NotStored(posts=posts, reason=reason, counted=True))

    def restate(self) -> None:
        """
        Note what was lost and has come back together with a ledger that does not have it: the next
        start must not count it a second time.
        """
        for lost in self._lost:
            with suppress(OSError):
                there = lost.path.lstat()
                is_back = lost.status is None or os.path.samestat(there, lost.status)
                if is_back and lost.ledger not in (None, self.ledger.id):
                    lost.ledger = self.ledger.id
                    self.ledger.note(lost.entry)

    def names_told(self) -> list[str]:
        """
        Return the temporary names that the newest lines call taken, or those of lost files; the
        last one last.  What an earlier process has lost is remembered: it may come back.
        """
        names: list[str] = []
        since, folder = self._place.wall() - NAMES_LAST, self.ledger.path.parent
        for one in islice(newest_first(self.ledger.path), _LOOK_BACK):
            match one:
                case LedgerLine(at=at, entry=bookings.NameTaken(file=str() as file)):
                    names += [file] if at >= since else []
                case LedgerLine(at=at, entry=bookings.NotStored(file=str() as file) as entry):
                    names += [file] if at >= since else []
                    self._lost.appendleft(_Lost(folder / file, None, entry, self.ledger.id))
        return names[::-1]

    def name_taken(self, file: str, inode: int | None = None) -> None:
        """
        Log and note that another file has a temporary name, so that the next one is used; with its
        inode if it is certainly not ours.
        """
        log.warn(
            "Capture {name!r}: there is another file named {file}, which is left alone: posts are "
            "stored in one with the next name.",
            name=self.name,
            file=file,
        )
        self.ledger.note(bookings.NameTaken(file=file, inode=inode))

    def given_up(self, posts: int) -> None:
        """Log and note posts, if any, that the disk has not taken before the process ends."""
        if not posts:
            return  # a file is left to the next start, as hundreds may be: they are counted
        reason = "the client ended before the disk took them"
        lost = "{posts} posts of {name!r} are lost: {reason}."
        log.error(lost, posts=posts, name=self.name, reason=reason)
        self.ledger.note(bookings.NotStored(posts=posts, reason=reason))

    def synced(self, until: float) -> None:
        """Set the mark: all that came until then (epoch seconds) is safe from a power cut."""
        if until:
            self.safe = until
            self._mark.set(until)

    def troubled(self, reason: str) -> None:
        """
        Log and note that the disk takes no posts; what has no descriptor is the process, of which
        the log says it for all captures once.
        """
        self.trouble, self._troubled_since = reason, self._place.clock.seconds()
        if self._place.use.descriptors.is_news(self, reason):
            log.error(
                "Posts of {name!r} cannot be stored: {reason}. Nothing more is read; it is tried "
                "again every {s:g} s.",
                name=self.name,
                reason=reason,
                s=RETRY,
            )
        self.ledger.note(bookings.DiskTrouble(reason=reason))

    def recovered(self) -> None:
        """Log and note that the disk takes posts again, and after how long."""
        reason, after, self.trouble = self.trouble, max(0.0, self.troubled_for), ""
        self._place.use.descriptors.ends(self)
        if reason != OUT_OF_DESCRIPTORS:
            again = "Posts of {name!r} are stored again, after {s:.1f} s."
            log.warn(again, name=self.name, s=after)
        self.ledger.note(bookings.DiskRecovered(after=round(after, 3)))
