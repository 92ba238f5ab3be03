"""What an older client left: it is listed before the account begins, and then read through."""

import errno
import hashlib
import json
from pathlib import Path
from typing import Any

import attrs
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.jobs import Job, Status
from tcclient.storage.archive import Archive
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.recovery import ledger_path
from tcclient.storage.slots import Naming
from tests.marks import Need, needs
from tests.peers import clock_at
from tests.storage.crashes import Say, run_and_kill
from tests.storage.disk import Acts

JOB = Job(7, "test", Status.STARTED, "obama", 1000, None, False, None)
OLD = {
    "test20150101_0000.json": b'{"id_str":"1"}\r\n\n{"id_str":"2"}\r\n\n',
    "test20150101_0010.json": b'{"id_str":"3"}\n{"id_str":"4"}',
    "test20150101_0020.json": b"",
}
LINES = {"test20150101_0000.json": 2, "test20150101_0010.json": 2, "test20150101_0020.json": 0}


class AdoptionCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = clock_at()
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """A folder that an older client has had."""
        self.base = Path(self.mktemp())
        self.folders = Folders(
            self.base, Naming("", utc=True), "http://server/", self.clock, self.clock.seconds
        )
        self.folder = self.base / "test"
        self.folder.mkdir(parents=True)
        for name, content in OLD.items():
            (self.folder / name).write_bytes(content)

    def capture(self) -> None:
        """A session that stores a post and ends."""
        archive = self.folders.open(JOB)
        archive.store([b"{}"])
        archive.close()

    def events(self, kind: str) -> list[dict[str, Any]]:
        lines = map(json.loads, ledger_path(self.base, "test").read_bytes().splitlines())
        return [line for line in lines if line["kind"] == kind]

    def adopted(self) -> list[str]:
        return [line["name"] for line in self.events("adopted")]


class WhatIsAdoptedTests(AdoptionCase):
    def test_every_older_file(self) -> None:
        """With its bytes, their hash, and the lines that are not blank; their posts are no news."""
        self.capture()
        for line in self.events("adopted"):
            content = OLD[line["name"]]
            self.assertEqual(
                (line["job"], line["bytes"], line["sha256"], line["posts"]),
                (7, len(content), hashlib.sha256(content).hexdigest(), LINES[line["name"]]),
            )
        self.assertEqual(self.adopted(), sorted(OLD))
        self.assertEqual(self.events("capture_close")[0]["account"]["posts"], 1)

    def test_once(self) -> None:
        """Neither again, nor what appears later: nobody accounts for that."""
        self.capture()
        (self.folder / "test20150101_0030.json").write_bytes(b"{}\n")
        self.capture()
        self.assertEqual(self.adopted(), sorted(OLD))
        self.assertEqual(len(self.events("adopting")), 1)

    def test_what_was_left_unfinished_is_a_file_of_ours(self) -> None:
        """It is finished like one that we had begun, and booked as that."""
        (self.folder / "test20150101_0030.json.tmp").write_bytes(b"{}\r\n\n")
        self.folders.begin()
        self.capture()
        self.assertEqual(self.adopted(), sorted(OLD))
        self.assertEqual(self.events("file")[0]["name"], "test20150101_0030.json")

    def test_nothing_else(self) -> None:
        """No other names, no folders, not the ledger itself; and there is no line for nothing."""
        self.folders = attrs.evolve(self.folders, naming=Naming("", ".jsonl", utc=True))
        (self.folder / "other.jsonl").write_bytes(b"{}\n")
        (self.folder / "test2015.jsonl").mkdir()
        self.capture()
        self.assertEqual((self.events("adopting"), self.events("adopted")), ([], []))


class WhileItIsReadTests(AdoptionCase):
    """Reading may take minutes."""

    def setUp(self) -> None:
        super().setUp()
        self.acts = Acts()
        self.folders = attrs.evolve(self.folders, use=DiskUse(threads=self.acts))

    def end(self, archive: Archive) -> None:
        closed = archive.close()
        self.acts.do_all()
        self.successResultOf(closed)

    def test_one_after_the_other(self) -> None:
        """The capture goes on meanwhile."""
        archive = self.folders.open(JOB)
        self.acts.do()  # this one finds what is left to read
        for number in range(len(OLD)):
            self.assertEqual((len(self.acts.waiting), self.adopted()), (1, sorted(OLD)[:number]))
            archive.store([b"{}"])
            self.acts.do()
        self.assertEqual((self.adopted(), archive.tally.posts), (sorted(OLD), len(OLD)))
        self.end(archive)

    def test_a_capture_that_ends(self) -> None:
        """The next one goes on from there."""
        archive = self.folders.open(JOB)
        for _ in range(2):
            self.acts.do()
        self.end(archive)
        self.assertEqual(self.adopted(), sorted(OLD)[:1])
        archive = self.folders.open(JOB)
        self.acts.do_all()
        self.end(archive)
        self.assertEqual(self.adopted(), sorted(OLD))

    def test_a_ledger_that_is_removed_before_the_capture_ends(self) -> None:
        """The next one reads what the new ledger lists, though this capture began before it."""
        archive = self.folders.open(JOB)
        self.acts.do_all()
        ledger_path(self.base, "test").unlink()
        with capturedLogs():
            archive.tally.rebase(5000)
        self.end(archive)
        self.assertEqual((len(self.events("adopting")), self.adopted()), (1, []))
        archive = self.folders.open(JOB)
        self.acts.do_all()
        self.end(archive)
        self.assertEqual(self.adopted(), sorted(OLD))

    def test_a_file_that_cannot_be_read(self) -> None:
        """It is said; the others are read, and the next start tries it again."""
        archive = self.folders.open(JOB)
        self.acts.do()
        with capturedLogs() as events:
            self.acts.do(OSError(errno.EIO, "Input/output error"))
        self.assertEqual(len(events), 1)
        self.acts.do_all()
        self.end(archive)
        self.assertEqual(self.adopted(), sorted(OLD)[1:])
        archive = self.folders.open(JOB)
        self.acts.do_all()
        self.end(archive)
        self.assertEqual(sorted(self.adopted()), sorted(OLD))


@needs(Need.PROCESSES)
class KilledTests(AdoptionCase):
    def test_at_every_moment(self) -> None:
        """Whatever was read before a crash, each is listed once in the end."""

        def live(say: Say) -> None:
            self.capture()

        for nth in range(1000):
            self.begin_afresh()
            killed = run_and_kill(nth, live).killed
            self.folders.begin()
            self.capture()
            self.assertEqual(sorted(self.adopted()), sorted(OLD))
            if not killed:
                break
        self.assertGreater(nth, 20)
