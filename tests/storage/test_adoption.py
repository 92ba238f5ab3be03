"""What an older client left: it is listed before the account begins, and then read through."""

import errno
import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.jobs import Job, Status
from tcclient.ledger.ledgerfile import Ledger
from tcclient.sources.twitter_v2.entries import UnroutedPosts
from tcclient.storage.adoption import MOST_NAMES, lacking
from tcclient.storage.archive import Archive
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import Folders
from tcclient.storage.recovery import ledger_path
from tcclient.storage.slots import Naming
from tests.ledger.told import told
from tests.left import leave
from tests.marks import Need, needs
from tests.peers import clock_at
from tests.storage.crashes import Say, run_and_kill
from tests.storage.disk import Acts
from tests.storefolders import anew

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

    def listed(self) -> list[list[str]]:
        """The names in each line that lists older files."""
        return [line["names"] for line in self.events("adopting")]


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

    def test_many(self) -> None:
        """They are listed in lines that are not long, and none is left out."""
        for number in range(MOST_NAMES):
            (self.folder / f"test20160101_{number:04}.json").touch()
        self.capture()
        listed = self.listed()
        self.assertEqual([len(names) for names in listed], [MOST_NAMES, len(OLD)])
        self.assertEqual(self.adopted(), [name for names in listed for name in names])

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
        self.folders = anew(self.folders, naming=Naming("", ".jsonl", utc=True))
        (self.folder / "other.jsonl").write_bytes(b"{}\n")
        (self.folder / "test2015.jsonl").mkdir()
        self.capture()
        self.assertEqual((self.events("adopting"), self.events("adopted")), ([], []))


class AnotherLedgerTests(AdoptionCase):
    """The ledger is put back or removed, and a file is there that a crash left unfinished."""

    def begin_afresh(self) -> None:
        super().begin_afresh()
        self.capture()
        self.backup = self.ledger.read_bytes()
        self.clock.advance(600)

    @property
    def ledger(self) -> Path:
        return ledger_path(self.base, "test")

    def dies(self, archive: Archive) -> None:
        """The client gets a SIGKILL; what it has on the disk stays."""
        base = leave(self.base, Path(self.mktemp()))
        archive.close()
        self.base, self.folder = base, base / "test"
        self.folders = anew(self.folders, base_dir=base)

    def killed(self) -> None:
        """A session that finishes a file, and dies with another one."""
        archive = self.folders.open(JOB)
        archive.store([b"{}"])
        self.clock.advance(600)
        archive.store([b"{}"])
        archive.tally.accepted(archive.tally.update(self.clock.seconds()))
        archive.store([b"{}"])
        self.dies(archive)

    def remove(self) -> None:
        self.ledger.unlink()

    def put_back(self) -> None:
        (self.folder / "copy").write_bytes(self.backup)
        (self.folder / "copy").rename(self.ledger)

    def unaccounted(self) -> set[str]:
        """The data files that no line of any file of the ledger has."""
        there = {path.name for path in self.folder.glob("*.json")}
        return there - {
            line["name"] for line in told(self.ledger) if line["kind"] in ("file", "adopted")
        }

    def test_whoever_opens_it_first(self) -> None:
        """The next capture says so, and adopts what the ledger lacks."""
        openers: dict[str, Callable[[], object]] = {
            "recovery": lambda: self.folders.begin(),
            "the capture": lambda: None,
            "a note": lambda: self.folders.note_in("test", UnroutedPosts(1, "x"), 7),
        }
        for act, said in ((self.put_back, "is shorter"), (self.remove, "was removed")):
            for who, opens in openers.items():
                self.begin_afresh()
                self.killed()
                act()
                with capturedLogs() as events:
                    opens()
                    archive = self.folders.open(JOB)
                self.assertIn(said, "".join(map(formatEvent, events)), who)
                self.assertEqual(self.unaccounted(), set(), who)
                archive.close()

    def test_the_counters(self) -> None:
        """Each post on the disk is counted once, and the server is told of those that it lacks."""
        for act in (self.put_back, self.remove):
            self.begin_afresh()
            self.killed()
            act()
            with capturedLogs():
                self.folders.begin()
                archive = self.folders.open(JOB)
            self.assertEqual(archive.tally.total, 1000 + 1 + 3)
            self.assertEqual(archive.tally.rebase(1003, [(3, 1003, None)]), 0)
            self.assertEqual(archive.tally.update(self.clock.seconds()).count, 1)
            archive.close()
            lines = told(self.ledger)
            settled = lines[-1]["account"]["settled"]
            self.assertEqual(sum(line.get("count", 0) for line in lines), settled)

    def test_the_gap(self) -> None:
        """What the ledger lacks is missing since it was put back, not for the crash alone."""
        archive = self.folders.open(JOB)
        archive.capture_log.begin("started", Status.STARTING, "obama")
        archive.capture_log.heard()
        self.backup = self.ledger.read_bytes()
        archive.store([b"{}"])
        self.dies(archive)
        self.put_back()
        with capturedLogs():
            self.folders.begin()
            archive = self.folders.open(JOB)
        self.addCleanup(archive.close)
        missing = archive.capture_log.missing
        assert missing is not None
        self.assertEqual(missing.cause, "restored")

    def test_once(self) -> None:
        """The start after that finds it in order."""
        self.killed()
        self.put_back()
        with capturedLogs():
            self.folders.begin()
            self.folders.open(JOB).close()
        with capturedLogs() as events:
            self.folders.open(JOB).close()
        self.assertEqual(events, [])

    def test_another_id_that_the_server_wants(self) -> None:
        """It has more of the ledger than is here: files that the ledger lacks are adopted too."""
        for because in ("ahead", "behind"):
            archive = self.folders.open(JOB)
            name = f"test20150102_00{len(because)}0.json"
            (self.folder / name).write_bytes(b"{}\n")
            archive.store([b"{}"])
            self.successResultOf(Deferred.fromCoroutine(archive.begin_another_ledger(because)))
            archive.store([b"{}"])
            archive.close()
            self.assertEqual(self.adopted(), [name])
            self.assertEqual(self.unaccounted(), set())

    def test_the_cut_end_of_a_post(self) -> None:
        """A ledger that lacks its line, as one that was put back does, has it again; once."""
        self.folders.open(JOB).close()
        (self.folder / "test20150102_0000.json.torn").write_bytes(b'{"id": 1')
        (self.folder / "other.json.torn").write_bytes(b"?")
        self.ledger.unlink()
        for _ in range(2):
            self.folders.open(JOB).close()
        found = [(line["name"], line["bytes"]) for line in self.events("torn")]
        self.assertEqual(found, [("test20150102_0000.json.torn", 8)])

    def test_a_ledger_that_is_another_one_while_nobody_captures(self) -> None:
        """The server has more of it: the next capture adopts what it lacks, and says so."""
        for because in ("ahead", "behind"):
            name = f"test20150102_00{len(because)}0.json"
            (self.folder / name).write_bytes(b"{}\n")
            with Ledger(self.ledger, self.clock.seconds) as ledger:
                ledger.begin_another(because)
            with capturedLogs() as events:
                self.folders.open(JOB).close()
            self.assertIn("goes on under another id", "".join(map(formatEvent, events)))
            self.assertEqual(self.adopted(), [name])

    def test_a_file_that_is_being_finished(self) -> None:
        """It is about to be booked, and not adopted."""
        archive = self.folders.open(JOB)
        archive.store([b"{}"])
        [tmp] = self.folder.glob("*.tmp")
        final = tmp.with_suffix("")
        for take in (partial(final.hardlink_to, tmp), final.touch):
            take()
            self.assertEqual(lacking(Naming("test", utc=True), self.ledger), [])
            final.unlink()
        archive.close()


class WhileItIsReadTests(AdoptionCase):
    """Reading may take minutes."""

    def setUp(self) -> None:
        super().setUp()
        self.acts = Acts()
        self.folders = anew(self.folders, use=DiskUse(threads=self.acts))

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
