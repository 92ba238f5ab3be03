"""
Which time of a capture is missing, by the lines of its ledger.  Pure.

This is the one interpreter of gaps: what a crash has left is found by it, and so is what an account
reports.  Knows the kinds of lines that begin and end gaps; reads no file.
"""

from msgspec import structs

from tcclient.ledger import bookings, entries
from tcclient.ledger.entries import Entry, seconds
from tcclient.ledger.gaps import CRASH, DISK, LEFT, START, STOPPED, Coverage, Missing


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
            case entries.ClockStep():
                self.clock_stepped(entry.seconds)

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
            detail = "nothing was read while the disk took no posts"
            self.missing = structs.replace(self.missing, cause=DISK, detail=detail)
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
            if ended.cause == "left":
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
