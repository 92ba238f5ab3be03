"""
When a capture that is wanted has no stream: where the gap begins, why, and where it ends.  Pure.

Times are in epoch seconds.  A capture keeps its coverage while it runs; of ledgers there is one
interpreter, so that what a crash has left is found by the same as what an account reports.  Knows
the kinds of lines that begin and end gaps; reads and writes nothing.
"""

import msgspec
from msgspec import structs

from tcclient.ledger import bookings, entries
from tcclient.ledger.entries import Entry, moment, seconds

START = "start"
"""Cause of a gap: the capture has begun, and its first byte has not come."""
IN_FLIGHT = 0.25
"""
Seconds before the last byte at which a gap begins: posts that the other side had sent by then, and
nobody had read, are missing too.
"""

_NOT_ASKED_FOR = (START, "budget", "rules", "switched")
"""Causes of gaps in which the source was not asked for the posts, so that it owes none of them."""

_READ_TO_THE_END = (START, "keywords")
"""Causes of gaps that begin with nothing in flight: an old stream is read until it is closed."""

LEFT = "client_stopped"
"""Cause of a gap: the client was stopped while the capture was running."""
CRASH = "crash"
"""Cause of a gap: the client was killed."""
RESTORED = "restored"
"""Cause of a gap: the ledger that tells of the capture is not the one that was written last."""
DISK = "disk"
"""Cause of a gap: the disk took no posts, so that nothing was read."""
UNREAD = "nothing was read while the disk took no posts"
"""Detail of such a gap, whatever has ended the stream."""
SLEEP = "sleep"
"""Cause of a gap: the machine slept."""
STOPPED = "stopped"
"""Not a cause of a gap: a stop of the capture that the process did not live to finish."""


class Missing(msgspec.Struct, frozen=True):
    """
    A gap that is open.  The last byte before it came at `begin`; `cause` and `detail` say why it
    began, and `keywords` is the text that is wanted.  So many `attempts` have failed since, and
    `status` and `explanation` are those of the last one.  From `ceased` on nothing was wanted.
    """

    begin: float
    cause: str
    detail: str
    keywords: str | None = None
    attempts: int = 0
    status: int | None = None
    explanation: str | None = None
    ceased: float | None = None

    @classmethod
    def of(cls, told: entries.OpenGap) -> "Missing":
        """Return an open gap as the ledger has it."""
        members = msgspec.structs.asdict(told)
        begin, ceased = seconds(members.pop("covered")), members.pop("ceased")
        return cls(begin, ceased=None if ceased is None else seconds(ceased), **members)

    def for_ledger(self) -> entries.OpenGap:
        """Return this as a member of a line."""
        members = msgspec.structs.asdict(self)
        covered, ceased = moment(members.pop("begin")), members.pop("ceased")
        return entries.OpenGap(
            covered=covered, ceased=None if ceased is None else moment(ceased), **members
        )

    @property
    def since(self) -> float:
        """
        When posts began to be missing: earlier than the last byte by what may have been in flight.
        """
        return self.begin - (0.0 if self.cause in _READ_TO_THE_END else IN_FLIGHT)


class Coverage(msgspec.Struct):
    """
    Which time of a capture is missing.  `missing` is the gap that is open, None while the stream is
    heard, or nothing is wanted.
    """

    missing: Missing | None = None

    def begins(self, missing: Missing) -> None:
        """Open a gap, unless one is open already, which goes on then."""
        self.missing = self.missing or missing

    def moves(self, begin: float) -> None:
        """Have the open gap begin at `begin`, if it is due to the disk and began earlier."""
        if self.missing is not None and self.missing.cause == DISK:
            self.missing = structs.replace(self.missing, begin=max(self.missing.begin, begin))

    def tried(self, status: int | None, explanation: str | None) -> None:
        """Count an attempt to connect that has failed."""
        if self.missing is not None:
            self.missing = structs.replace(
                self.missing,
                attempts=self.missing.attempts + 1,
                status=status,
                explanation=explanation,
            )

    def clock_stepped(self, seconds: float) -> None:
        """Move the beginning of the open gap, so that both its ends are by the clock as set now."""
        if self.missing is not None:
            ceased = None if self.missing.ceased is None else self.missing.ceased + seconds
            begin = self.missing.begin + seconds
            self.missing = structs.replace(self.missing, begin=begin, ceased=ceased)

    def slept(self, begin: float, end: float, missing: Missing) -> list[entries.Gap]:
        """
        Let the open gap end where a sleep of the machine begins, and go on, for the same reason,
        where that ends.  Return the lines about what came before it, and about the sleep, of which
        `missing` says why.
        """
        open_gap = self.missing
        closed = [self.ends(begin), Coverage(missing).ends(end)]
        if open_gap is not None:
            self.missing = structs.replace(
                open_gap, begin=end, attempts=0, status=None, explanation=None
            )
        return [gap for gap in closed if gap is not None]

    def ends(self, end: float, backfill: int | None = None) -> entries.Gap | None:
        """
        Close the open gap at the time `end`.  Return the line about it, None if there is no gap.
        With `backfill`, the source was asked for the posts of so many minutes before.
        """
        missing, self.missing = self.missing, None
        if missing is None or missing.cause == STOPPED:
            return None
        # If the clock was set back in between, the gap must not have a negative length.
        begin = min(missing.since, end)
        return entries.Gap(
            begin=moment(begin),
            end=moment(end),
            seconds=round(end - begin, 3),
            cause=missing.cause,
            detail=missing.detail,
            attempts=missing.attempts,
            keywords=missing.keywords,
            status=missing.status,
            explanation=missing.explanation,
            backfill=None if missing.cause in _NOT_ASKED_FOR else backfill,
        )

    def missed(self, now: float) -> float | None:
        """Return the seconds for which posts are missed that were asked for; None for none."""
        missing = self.missing
        if missing is None or missing.cause in _NOT_ASKED_FOR:
            return None
        return now - missing.since


class ReadCoverage(Coverage):
    """
    The coverage of one capture, by lines that are taken one after the other.

    While the stream is heard, `safe` is until when all that came is known to be on the disk, in
    epoch seconds by the clock as it is set now; otherwise it is None.  `recovered` is the last
    arrival in files that were finished after a crash, 0.0 for none.  `boot` tells since which start
    of the machine the folder is open, and `is_disk_full` whether the disk takes no posts.
    """

    safe: float | None = None
    recovered: float = 0.0
    boot: str | None = None
    is_disk_full: bool = False

    def take(self, entry: Entry, at: float) -> None:
        """Take the next line about the capture, which was written at the time `at`."""
        match entry:
            case bookings.CaptureOpen():
                self.opened(entry.boot)
                if entry.open_gap is not None:
                    self._loses(Missing.of(entry.open_gap))
            case entries.CaptureStart():
                self.opened(self.boot)  # who was heard and begins again has been killed in between
                self.begins(Missing(at, START, "the capture was started"))
            case entries.CaptureStop():
                self._stopped(at, entry)
            case entries.Disconnected(overlap=None):
                self._disconnected(at, entry)
            case entries.NotConnected():
                self.tried(entry.status, entry.explanation)
            case entries.Gap():
                self.missing, self.safe = None, seconds(entry.end)
            case bookings.File():
                self._stored(at, entry)
            case bookings.DiskTrouble() | bookings.DiskRecovered():
                self.is_disk_full = isinstance(entry, bookings.DiskTrouble)
            case bookings.ClockStep():
                self.clock_stepped(entry.seconds)
            case bookings.Sleep(open_gap=entries.OpenGap() as open_gap):
                self._loses(Missing.of(open_gap))

    def opened(self, boot: str | None, covered: float = 0.0) -> None:
        """
        Note that a process opens the folder, so that the one before it has ended, during this
        `boot` of the machine.  If that one was killed while the stream was heard a gap begins: at
        the last moment until which all is on the disk, which is not before `covered`.
        """
        if self.safe is not None:
            # Where the machine went down, the time of a file that it left may say too much.
            recovered = self.recovered if boot == self.boot else 0.0
            cause, detail = CRASH, "the client was killed"
            if self.is_disk_full:
                cause, detail = DISK, "the disk took no posts when the client was killed"
            self._loses(Missing(max(self.safe, recovered, covered), cause, detail))
        elif self.missing is not None and self.missing.cause == STOPPED and self.is_disk_full:
            self.missing = structs.replace(self.missing, cause=DISK, detail=UNREAD)
        self.boot, self.recovered, self.is_disk_full = boot, 0.0, False

    def clock_stepped(self, seconds: float) -> None:
        """Move all times, so that they are by the clock as set now."""
        super().clock_stepped(seconds)
        if self.safe is not None:
            self.safe += seconds
        if self.recovered:
            self.recovered += seconds

    def _loses(self, missing: Missing) -> None:
        """Have the stream heard no more, so that this gap is open."""
        self.missing, self.safe = missing, None

    def _stopped(self, at: float, stop: entries.CaptureStop) -> None:
        """End what is open; if only the client has stopped a gap goes on, or begins."""
        if stop.because != "left":
            self.missing = None
        elif self.missing is None or self.missing.ceased is not None:
            covered = at if stop.covered is None else seconds(stop.covered)
            self.missing = Missing(covered, LEFT, "the client was stopped")
        self.safe = None

    def _disconnected(self, at: float, ended: entries.Disconnected) -> None:
        """Begin a gap with the last byte if the stream was heard, otherwise one is open."""
        is_stop = ended.cause == "stopped"
        if self.safe is not None:
            missing = Missing(at - (ended.silent or 0.0), ended.cause, ended.detail)
            if ended.unread:
                missing = structs.replace(missing, cause=DISK, detail=UNREAD)
            elif ended.cause == "left":
                missing = structs.replace(missing, cause=LEFT, detail="the client was stopped")
            self._loses(structs.replace(missing, ceased=at if is_stop else None))
        elif self.missing is not None and is_stop:
            self.missing = structs.replace(self.missing, ceased=at)

    def _stored(self, at: float, file: bookings.File) -> None:
        """Note that all posts until the last one of this file are on the disk."""
        if file.last_arrival is None:
            return
        # If the clock was set back, the posts of the file it ended have times of the old clock.
        arrival = min(seconds(file.last_arrival), at)
        if file.recovered:
            self.recovered = max(self.recovered, arrival)
        elif self.safe is not None:
            self.safe = max(self.safe, arrival)
