"""Captures' folders for the tests of tcc-account: made by the real archive, or line by line."""

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcaccount.command import main
from tcclient.control.jobs import Job, Status
from tcclient.ledger import entries
from tcclient.ledger.entries import Entry, moment
from tcclient.ledger.lines import LedgerLine
from tcclient.sources.registry import post_ids
from tcclient.storage.archive import Archive
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.recovery import ledger_path
from tcclient.storage.slots import Naming
from tests.ledger.told import told
from tests.peers import id_made

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


def job(id: int = 7, name: str = "test", total: int = 1000) -> Job:
    return Job(id, name, Status.STARTING, "obama", total, None, False, None)


def said(*lines: tuple[float, Entry], job: int | None = 7) -> list[LedgerLine]:
    """Lines of one job; each says something so many seconds after noon."""
    return [LedgerLine(n, NOON + at, job, entry) for n, (at, entry) in enumerate(lines, 1)]


def gap(begin: float, end: float, cause: str = "stall", **more: Any) -> entries.Gap:
    """Seconds after noon."""
    return entries.Gap(
        begin=moment(NOON + begin),
        end=moment(NOON + end),
        seconds=end - begin,
        cause=cause,
        detail="it was so",
        attempts=more.pop("attempts", 0),
        keywords=more.pop("keywords", "obama"),
        **more,
    )


STARTED = entries.CaptureStart(because="started", status=3)
RESUMED = entries.CaptureStart(because="resumed", status=1)


def stopped(because: str = "stopped", covered: float | None = None) -> entries.CaptureStop:
    """`covered` is in seconds after noon."""
    until = None if covered is None else moment(NOON + covered)
    return entries.CaptureStop(because=because, status=6, covered=until)


def post_at(seconds: float, serial: int = 0) -> bytes:
    """A v2 post that was made so many seconds after noon."""
    return b'{"data":{"id":"%d","text":"x"}}' % id_made(NOON + seconds, serial)


class FolderCase(SynchronousTestCase):
    """With a base directory, and a client that writes into it."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOON)
        self.base = Path(self.mktemp())
        self.folder = self.base / "test"
        self.ledger = ledger_path(self.base, "test")
        naming, use = Naming("", utc=True), DiskUse(ids=post_ids())
        self.folders = Folders(
            self.base, naming, "http://server/", self.clock, self.clock.seconds, use=use
        )
        self._serial = 0
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def posts(self, number: int) -> list[bytes]:
        """So many, never made before."""
        self._serial += number
        now = self.clock.seconds() - NOON
        return [post_at(now, serial) for serial in range(self._serial - number, self._serial)]

    def fill(self, archive: Archive, *sizes: int) -> None:
        """A file of each size, in the slots from now on; every second one is reported."""
        for place, size in enumerate(sizes):
            archive.store(self.posts(size))
            if place % 2:
                archive.tally.accepted(archive.tally.update(self.clock.seconds()))
            archive.finish()
            self.clock.advance(600)

    def capture(self, *sizes: int, of: Job | None = None) -> None:
        """A run of the client, from a start to a stop, with files of these sizes."""
        archive = self.folders.open(of or job())
        archive.capture_log.begin("started", Status.STARTING, "obama")
        archive.capture_log.heard()
        self.fill(archive, *sizes)
        archive.capture_log.end("stopped", Status.STOPPING)
        archive.close()

    def lines(self) -> list[dict[str, Any]]:
        """Of the ledger, oldest first."""
        return told(self.ledger)

    def write(self, *lines: dict[str, Any]) -> None:
        """Make this the ledger."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ledger.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def tell(self, *told: tuple[float, Entry], job: int | None = 7) -> None:
        """Write a ledger, each line so many seconds after noon."""
        about = {} if job is None else {"job": job}
        self.write(*({"at": moment(NOON + at), **about, **e.members()} for at, e in told))

    def data(self) -> list[Path]:
        """The finished files, in order."""
        return sorted(self.folder.glob("*.json"))

    def account(self, *arguments: str, folder: Path | None = None) -> tuple[int, str, str]:
        """Run the command; its exit status and what it said on both outputs."""
        return run([str(folder or self.folder), *arguments])


def run(arguments: Sequence[str]) -> tuple[int, str, str]:
    """The exit status of the command, and what it said on both outputs."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            main(arguments)
        except SystemExit as e:
            status = e.code
    assert isinstance(status, int)
    return status, out.getvalue(), err.getvalue()
