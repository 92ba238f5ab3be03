"""A machine on which one capture runs, by one process after the other; it writes real ledgers."""

import os
from pathlib import Path

import attrs
from msgspec import structs
from twisted.internet.task import Clock

from tcclient.control.jobs import Job, Status
from tcclient.ledger.endings import LEFT, REKEYED, STOPPED, Ending
from tcclient.ledger.entries import RefusedTerm, TermsRefused
from tcclient.runtime.wallclock import Slept
from tcclient.sources.registry import post_ids
from tcclient.storage.archive import Archive, Supply
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.recovery import ledger_path
from tcclient.storage.slots import Naming
from tests.left import leave

JOB = Job(7, "test", Status.STARTED, "cats", 1000, None, False, None)
NOON = 1_700_049_600.0


@attrs.define
class Stream(Supply):
    """What brings posts, while it is heard."""

    is_heard: bool = False

    @property
    def silent(self) -> float | None:
        """Its last byte came just now."""
        return 0.0 if self.is_heard else None

    def pauseProducing(self) -> None:
        """Nothing comes by itself."""

    def resumeProducing(self) -> None:
        """Nothing comes by itself."""


class Machine:
    """
    A disk and two clocks.  Each method does what a client does, where it would: otherwise nothing.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._lives = 0
        self._wall, self._steady = Clock(), Clock()
        self._wall.advance(NOON)
        self._stream = Stream()
        self._heard_since = 0.0
        self._is_unread = False
        self._posts = 0
        self._texts = 0
        self.is_wanted = False
        self._is_ceasing = False
        self.archive: Archive | None = None

    @property
    def base(self) -> Path:
        """Where the folders are of all captures."""
        return self._place / str(self._lives)

    @property
    def ledger(self) -> Path:
        """The ledger of the capture."""
        return ledger_path(self.base, "test")

    def open(self) -> None:
        """A process takes the folder."""
        if self.archive is None:
            use, naming = DiskUse(ids=post_ids()), Naming("", utc=True)
            clocks = self._steady, self._wall.seconds
            folders = Folders(self.base, naming, "http://server/", *clocks, use=use)
            self.archive = folders.open(JOB)
            self._stream = Stream()
            self.archive.supplied_by(self._stream)
            self.is_wanted = self._is_ceasing = False

    def start(self) -> None:
        """The capture is to run, or goes on."""
        self.open()
        assert self.archive is not None
        if not self.is_wanted:
            self.stop()
            told = self.archive.capture_log
            told.begin("started" if told.missing is None else "resumed", 3, "cats")
            told.follow("cats", None, {"track": ["cats"]}, ())
            self.is_wanted = True

    def ask(self) -> None:
        """The keywords change."""
        if self.archive is not None and self.is_wanted:
            self._texts += 1
            self.archive.capture_log.follow(f"dogs {self._texts}", "cats", None, ())

    def hear(self) -> None:
        """The first byte comes."""
        if self.archive is not None and self.is_wanted and not self._stream.is_heard:
            self.archive.capture_log.heard()
            self.archive.capture_log.in_force("cats")
            self._stream.is_heard = True
            self._heard_since = self._wall.seconds()

    def post(self) -> None:
        """A post comes."""
        if self.archive is not None and self._stream.is_heard:
            self._posts += 1
            self.archive.store([b'{"data":{"id":"%d","text":"x"}}' % self._posts])

    def _ends(self, ending: Ending) -> None:
        if self.archive is not None and self._stream.is_heard:
            silent = min(2.0, self._wall.seconds() - self._heard_since)
            ending = structs.replace(ending, silent=max(0.0, silent), unread=self._is_unread)
            self.archive.capture_log.unheard(ending)
            self._stream.is_heard = self._is_unread = False

    def lose(self) -> None:
        """The connection ends, whether or not a byte has come."""
        closed = Ending("closed", "the other side closed the connection")
        if self._stream.is_heard:
            self._ends(closed)
        elif self.archive is not None and self.is_wanted:
            self.archive.capture_log.unheard(closed)

    def relieve(self) -> None:
        """A second stream is heard, and the first one ends."""
        if self.archive is not None and self._stream.is_heard:
            self.archive.capture_log.relieved(REKEYED, 0.5)
            self.archive.capture_log.in_force("dogs")

    def refuse(self) -> None:
        """The source does not take a term."""
        if self.archive is not None and self.is_wanted:
            self.archive.note(TermsRefused(refused=(RefusedTerm("cats", "too many"),)))

    def fail(self) -> None:
        """An attempt to connect is refused."""
        if self.archive is not None and self.is_wanted and not self._stream.is_heard:
            self.archive.capture_log.not_reached(Ending("refused", "HTTP status 503", status=503))

    def cease(self) -> None:
        """A stop begins, and has not come to its end."""
        if self.archive is not None and self.is_wanted:
            self._ends(STOPPED)
            self.archive.capture_log.ceases()
            self.is_wanted, self._is_ceasing = False, True

    def stop(self) -> None:
        """The capture is stopped, or a stop that has begun comes to its end."""
        self.cease()
        if self.archive is not None and self._is_ceasing:
            self.archive.finish()
            self.archive.capture_log.end("stopped", 4)
            self._is_ceasing = False

    def leave(self) -> None:
        """The process ends as it should."""
        if self.archive is not None:
            if self._is_ceasing:
                self.stop()
            if self.is_wanted:
                self._ends(LEFT)
                self.archive.capture_log.end("left", 3)
            self.archive.close()
            self.archive = None

    def kill(self) -> None:
        """The process is killed: the next one finds what is on the disk now."""
        if self.archive is not None:
            before = self.base
            self._lives += 1
            leave(before, self.base)
            for tmp in self.base.rglob("*.tmp"):
                os.utime(tmp, (self._wall.seconds(), self._wall.seconds()))
            self.archive.close()
            self.archive, self._stream, self._is_unread = None, Stream(), False

    def wait(self) -> None:
        """Time goes by."""
        self._wall.advance(7.5)
        self._steady.advance(7.5)

    def set_clock(self) -> None:
        """Forward by a minute."""
        self._step(60.0)

    def set_clock_back(self) -> None:
        """By 20 seconds."""
        self._step(-20.0)

    def _step(self, seconds: float) -> None:
        if self.archive is not None:
            self._wall.rightNow += seconds
            self._heard_since += seconds
            self.archive.clock_stepped(seconds)

    def sleep(self) -> None:
        """For an hour: the connection is lost with that, or has outlived it."""
        self._sleep(3600.0)
        self._ends(Ending("sleep", "no byte came, as this machine slept"))

    def nap(self) -> None:
        """For ten seconds, which a connection outlives."""
        self._sleep(10.0)
        if self.archive is not None and self._stream.is_heard:
            self.archive.capture_log.heard()

    def _sleep(self, seconds: float) -> None:
        self._wall.advance(seconds)
        if self.archive is not None:
            self.archive.capture_log.slept(Slept(seconds, 0.5), self._stream.silent)

    def fill_disk(self) -> None:
        """It takes no posts from now on."""
        if self.archive is not None:
            self.archive._books.troubled("no space is left")

    def empty_disk(self) -> None:
        """It takes posts again."""
        if self.archive is not None:
            self.archive._books.recovered()
            self._is_unread = False

    def come_unread(self) -> None:
        """Bytes come while the disk takes no posts, so that nobody reads them."""
        if self.archive is not None and self.archive._books.trouble:
            self._is_unread = self._stream.is_heard

    def remove_ledger(self) -> None:
        """Somebody removes the ledger; the next line begins another one."""
        if self.archive is not None:
            self.ledger.unlink(missing_ok=True)

    def remove(self) -> None:
        """Somebody removes the file that is being written; the next post finds it gone."""
        for tmp in self.base.rglob("*.tmp"):
            tmp.unlink()

    def report(self) -> None:
        """The server takes a count, and has more in its total."""
        if self.archive is not None:
            self.archive.tally.accepted(self.archive.tally.update(self._steady.seconds()))
            self.archive.tally.rebase(self.archive.tally.total + 3)


EVENTS = (
    Machine.open, Machine.start, Machine.ask, Machine.hear, Machine.post, Machine.lose,
    Machine.fail, Machine.cease, Machine.stop, Machine.leave, Machine.kill, Machine.wait,
    Machine.set_clock, Machine.set_clock_back, Machine.sleep, Machine.nap, Machine.fill_disk,
    Machine.empty_disk, Machine.remove, Machine.remove_ledger, Machine.report, Machine.relieve,
    Machine.refuse, Machine.come_unread,
)  # fmt: skip
