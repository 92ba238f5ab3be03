"""A job's folder while it is captured: what is counted, what a restart knows, who may have it."""

import errno
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from msgspec import structs
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.jobs import Job, Status
from tcclient.ledger.counters import Counters
from tcclient.ledger.known import known_counters
from tcclient.runtime.threads import in_place
from tcclient.sources.registry import post_ids
from tcclient.sources.twitter_v2.entries import ForeignPosts
from tcclient.storage.archive import Archive
from tcclient.storage.bookkeeper import RETRY
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.folders import CannotStore, Folders
from tcclient.storage.index import INDEX
from tcclient.storage.notedtally import CALM, FORGOTTEN, SETTLING, UNEXPLAINED
from tcclient.storage.recovery import ledger_path
from tcclient.storage.slots import Naming
from tests.ledger.told import told
from tests.left import leave
from tests.marks import Need, needs
from tests.storage.disk import (
    Acts,
    calls_noted,
    contents,
    file_size_limit,
    full,
    held_by_another_process,
    no_larger_writes,
)
from tests.storefolders import anew

T = TypeVar("T")

HALF_PAST = datetime(2015, 12, 2, 20, 30, tzinfo=UTC).timestamp()


def job(id: int = 7, name: str = "test", total: int | None = 1000) -> Job:
    return Job(id, name, Status.STARTED, "obama", total, None, False, None)


class ArchiveCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(HALF_PAST)
        self.base = Path(self.mktemp())
        naming, use = Naming("", utc=True), DiskUse(ids=post_ids())
        self.folders = Folders(
            self.base, naming, "http://server/", self.clock, self.clock.seconds, use=use
        )
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))

    def files(self, name: str = "test") -> dict[str, bytes]:
        """All files of a capture but its ledger."""
        return {
            file: content
            for file, content in contents(self.base / name).items()
            if not file.endswith(".ledger.jsonl")
        }

    def ledger(self, path: Path | None = None) -> list[dict[str, Any]]:
        """The lines of the job's ledger or of another, oldest first."""
        return told(path or ledger_path(self.base, "test"))

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.ledger() if line["kind"] == kind]

    def counters(self, id: int = 7, name: str = "test") -> Counters | None:
        """What a start would find now."""
        known = known_counters(ledger_path(self.base, name), id).get(id)
        return None if known is None else known.counters

    def counts(self) -> dict[str, int]:
        """What the lines say that the server has taken, by their kinds."""
        found: Counter[str] = Counter()
        for line in self.ledger():
            found[line["kind"]] += line.get("count", 0)
        return dict(+found)

    def capture(self, wanted: Job, posts: int) -> Counters:
        """A session of its own; returns the numbers after it."""
        archive = self.folders.open(wanted)
        for _ in range(posts):
            archive.store([b"{}"])
        archive.close()
        return archive.tally.counters


class StoringTests(ArchiveCase):
    def test_posts_are_lines(self) -> None:
        """Their bytes untouched, one newline behind each; and they are counted."""
        archive = self.folders.open(job())
        archive.store([b'{"text": "\\u00e9"}', b"{}"])
        archive.store([b"\xf0\x9f\x8e\x89"])
        self.assertEqual(
            self.files(),
            {"test20151202_2030.json.tmp": b'{"text": "\\u00e9"}\n{}\n\xf0\x9f\x8e\x89\n'},
        )
        self.assertEqual(archive.tally.total, 1003)
        archive.close()
        self.assertEqual(list(self.files()), ["test20151202_2030.json"])

    def test_posts_that_no_file_can_take(self) -> None:
        """They are in the account as not stored, and the log says so once; the rest is stored."""
        archive = self.folders.open(job())
        with capturedLogs() as logs:
            for size in (10, 20_000, 30_000, 10, 40_000):
                post = b'"%s"' % (b"x" * size)
                with no_larger_writes(15_000):
                    archive.store([post])
        self.assertEqual(archive.tally.total, 1002)
        archive.close()
        self.assertEqual([event["log_level"] for event in logs], [LogLevel.error] * 2)
        self.assertEqual([line["posts"] for line in self.events("not_stored")], [1] * 3)
        self.assertEqual(self.events("disk_trouble"), [])

    def test_what_is_not_written_is_not_counted(self) -> None:
        """A number is reported only for what is in the file; before a report it is put there."""
        self.folders = anew(self.folders, use=DiskUse(flush_interval=1.0))
        archive = self.folders.open(job())
        archive.store([b"{}"])
        self.assertEqual(archive.tally.total, 1000)
        archive.flush()
        self.assertEqual(archive.tally.total, 1001)
        with full(self.base / "test" / "test20151202_2030.json.tmp"), capturedLogs() as events:
            archive.store([b'{"a": 1}', b'{"a": 2}'])
            archive.flush()
            self.assertEqual((archive.tally.total, archive.waiting), (1001, 2))
        self.clock.advance(RETRY)
        self.assertEqual(archive.tally.total, 1003)
        archive.close()
        self.assertEqual(self.files(), {"test20151202_2030.json": b'{}\n{"a": 1}\n{"a": 2}\n'})
        self.assertEqual(self.counters(), Counters(1000, 3, 0))
        self.assertEqual([event["log_level"] for event in events], [LogLevel.error])
        self.assertEqual(
            [line["reason"] for line in self.events("disk_trouble")], ["No space left on device"]
        )
        self.assertEqual([line["after"] for line in self.events("disk_recovered")], [RETRY])

    def test_a_finished_file_is_in_the_ledger(self) -> None:
        """With its lines and bytes, and the job's numbers after it."""
        archive = self.folders.open(job())
        archive.store([b'{"id_str":"1"}', b'{"id_str":"2"}'])
        self.clock.advance(600)
        line = self.events("file")[0]
        del line["at"]
        self.assertEqual(
            line,
            {
                "kind": "file",
                "job": 7,
                "name": "test20151202_2030.json",
                "posts": 2,
                "bytes": 30,
                "sha256": hashlib.sha256(b'{"id_str":"1"}\n{"id_str":"2"}\n').hexdigest(),
                "first_id": "1",
                "last_id": "2",
                "first_arrival": "2015-12-02T20:30:00.000Z",
                "last_arrival": "2015-12-02T20:30:00.000Z",
                "account": {"base": 1000, "posts": 2, "settled": 0},
            },
        )
        archive.close()

    def test_posts_of_an_open_file_are_not_in_the_account(self) -> None:
        """Whatever is written into the ledger meanwhile: after a crash they are counted again."""
        archive = self.folders.open(job())
        archive.store([b"{}"])
        archive.finish()
        archive.store([b"{}"] * 3)
        archive.tally.accepted(archive.tally.update(self.clock.seconds()))
        archive.tally.rebase(2000)
        self.assertEqual(self.counters(), Counters(1996, 1, 4))
        archive.finish()
        self.assertEqual(self.counters(), Counters(1996, 4, 4))
        archive.close()

    def test_notes_are_lines_of_the_ledger(self) -> None:
        """They carry the job's id."""
        archive = self.folders.open(job())
        archive.note(ForeignPosts(by_rule={"": 3}))
        archive.close()
        line = self.events("foreign_posts")[0]
        self.assertEqual((line["job"], line["by_rule"]), (7, {"": 3}))


class RestartTests(ArchiveCase):
    def test_the_first_base_is_the_number_of_the_server(self) -> None:
        """None is 0, and so is nonsense below it."""
        for id, total, base in ((1, 1000, 1000), (2, 0, 0), (3, None, 0), (4, -5, 0)):
            archive = self.folders.open(job(id, total=total))
            self.assertEqual(archive.tally.total, base)
            archive.close()
            self.assertEqual(self.counters(id), Counters(base))

    def test_the_numbers_go_on_after_a_restart(self) -> None:
        """From the ledger, whatever the server says by then."""
        self.capture(job(), 3)
        self.assertEqual(self.capture(job(total=5), 2), Counters(1000, 5, 0))

    def test_what_was_settled_is_known_after_a_restart(self) -> None:
        """It is told by the next line that has the counters; what brought nothing new by none."""
        archive = self.folders.open(job())
        archive.store([b"{}"] * 3)
        archive.tally.accepted(archive.tally.update(self.clock.seconds()))
        archive.tally.accepted(archive.tally.update(self.clock.seconds()))
        archive.close()
        self.assertEqual(self.counts(), {"file": 3})
        self.assertEqual(self.capture(job(), 0), Counters(1000, 3, 3))

    def test_what_is_settled_by_reading_is_told_too(self) -> None:
        """The counts of the ledger add up to what the server has taken, whatever was not seen."""
        archive = self.folders.open(job())
        archive.store([b"{}"] * 3)
        archive.tally.update(self.clock.seconds())  # taken; the answer is lost
        archive.tally.settle([(None, 1003, "0.000")])
        archive.tally.settle([(None, 1003, "0.000")])
        archive.store([b"{}"] * 2)
        archive.tally.accepted(archive.tally.update(self.clock.seconds()))
        archive.close()
        self.assertEqual(self.counts(), {"file": 5})
        self.assertEqual(self.capture(job(), 0), Counters(1000, 5, 5))

    def test_the_base_rises_with_the_server(self) -> None:
        """Others have captured: the ledger says so, and a restart knows it."""
        archive = self.folders.open(job())
        archive.tally.rebase(1500)
        self.assertEqual(archive.tally.total, 1500)
        archive.close()
        self.assertEqual([line["raised_by"] for line in self.events("base")], [500])
        self.assertEqual(self.capture(job(), 0), Counters(1500, 0, 0))

    def test_a_lower_number_of_the_server_changes_nothing(self) -> None:
        """Ours stands, and nothing is said."""
        archive = self.folders.open(job())
        for total in (1000, 999, 0, None):
            archive.tally.rebase(total)
        self.assertEqual(archive.tally.total, 1000)
        archive.close()
        self.assertEqual(self.events("base"), [])

    def test_a_total_that_keeps_rising(self) -> None:
        """
        Somebody else reports for the job, often or rarely: the log says it of the first rises, and
        it is known until there has been none for long.
        """
        for every in (1, CALM + 1):
            archive = self.folders.open(job())
            tally = archive.tally
            for _ in range(SETTLING):
                tally.rebase(tally.total)
            for _ in range(UNEXPLAINED):
                self.assertFalse(tally.is_shared)
                for more in (1, *[0] * (every - 1)):
                    tally.rebase(tally.total + more)
            with capturedLogs() as events:
                tally.rebase(tally.total + 1)
                for _ in range(FORGOTTEN):
                    self.assertTrue(tally.is_shared)
                    tally.rebase(tally.total)
            self.assertEqual(events, [])
            tally.rebase(tally.total)
            self.assertFalse(tally.is_shared)
            archive.close()

    def test_rises_are_not_said_one_by_one(self) -> None:
        """Of those that come close behind another nothing is said."""
        archive = self.folders.open(job())
        with capturedLogs() as events:
            for _ in range(10):
                archive.tally.rebase(archive.tally.total + 1)
        self.assertEqual(len(events), 1)
        archive.close()

    def test_rises_of_hand_overs(self) -> None:
        """Each of them begins a session: nobody shares the job."""
        archive = self.folders.open(job())
        tally = archive.tally
        for _ in range(5):
            tally.resume(self.clock.seconds())
            for reading in range(SETTLING + 10):
                tally.rebase(tally.total + (reading % 6 == 0))
                self.assertFalse(tally.is_shared)
        archive.close()

    def test_lines_of_the_ledger_that_are_damaged(self) -> None:
        """The log says so once; those of kinds that others know are none."""
        self.capture(job(), 2)
        at = b'{"at": "2015-12-02T20:30:00.000Z", "job": 7, "kind": '
        foreign, damaged = at + b'"rules_failed"}\n', at + b'"update", "count": -1}\n'
        for lines, said in ((foreign, 0), (foreign + damaged + b"{\n", 1)):
            with ledger_path(self.base, "test").open("ab") as ledger:
                ledger.write(lines)
            with capturedLogs() as events:
                self.assertEqual(self.capture(job(), 0), Counters(1000, 2, 0))
            found = [formatEvent(event) for event in events]
            self.assertEqual(len(found), said)
            for text in found:
                self.assertIn("2 cannot be read", text)

    def test_what_a_crash_left_is_counted_at_the_opening(self) -> None:
        """Also where the client has been running since: another job may have had the folder."""
        self.capture(job(), 2)
        (self.base / "test" / "test20151202_2020.json.tmp").write_bytes(b"{}\n{}\n{")
        self.assertEqual(self.capture(job(), 0), Counters(1000, 4, 0))
        self.assertEqual(self.files()["test20151202_2020.json"], b"{}\n{}\n")

    def test_when_the_last_byte_was_written_that_a_crash_left(self) -> None:
        """Whether the start or the opening recovers it; after that, nothing is left."""
        tmp = self.base / "test" / "test20151202_2020.json.tmp"
        for recovers in (self.folders.begin, lambda: None):
            tmp.parent.mkdir(parents=True, exist_ok=True)
            tmp.write_bytes(b"{}\n")
            os.utime(tmp, (0, HALF_PAST - 1.5))
            recovers()
            for last_byte in (HALF_PAST - 1.5, None):
                archive = self.folders.open(job())
                self.assertEqual(archive.last_byte, last_byte)
                archive.close()

    def test_the_original_clients_file_is_adopted(self) -> None:
        """Byte for byte, with its blank lines.  The server has counted its posts before."""
        left = b'{"id": 1}\r\n\n{"id": 2}\r\n\n'
        (self.base / "test").mkdir(parents=True)
        (self.base / "test" / "test20151202_2030.json.tmp").write_bytes(left)
        self.folders.begin()
        self.assertEqual(self.capture(job(), 1), Counters(1000, 1, 0))
        self.assertEqual(
            self.files(),
            {"test20151202_2030.json": left, "test20151202_2030_00.json": b"{}\n"},
        )
        self.assertEqual([line["posts"] for line in self.events("file")], [2, 1])

    def test_two_jobs_of_one_name(self) -> None:
        """They share the folder, one after the other; totals belong to the job."""
        self.capture(job(7), 3)
        self.assertEqual(self.capture(job(8, total=50), 2), Counters(50, 2, 0))
        self.assertEqual(self.capture(job(7), 1), Counters(1000, 4, 0))


class RenamedTests(ArchiveCase):
    """A researcher renames a job: another folder, the same numbers."""

    def test_the_numbers_move_to_the_new_folder(self) -> None:
        """The old files stay where they are."""
        self.capture(job(), 3)
        self.assertEqual(self.capture(job(name="new"), 2), Counters(1000, 5, 0))
        self.assertEqual(self.files(), {"test20151202_2030.json": b"{}\n" * 3})
        self.assertEqual(self.files("new"), {"new20151202_2030.json": b"{}\n" * 2})

    def test_renamed_while_it_is_captured(self) -> None:
        """The old folder is still open when the new one is."""
        old = self.folders.open(job())
        old.store([b"{}"] * 3)
        old.tally.accepted(old.tally.update(self.clock.seconds()))
        new = self.folders.open(job(name="new"), old.tally.counters)
        self.assertEqual(self.counters(name="new"), Counters(1000, 3, 3))
        old.close()
        self.assertEqual(new.tally.counters, Counters(1000, 3, 3))
        new.close()

    def test_what_the_former_folder_has(self) -> None:
        """Its newest posts may come again too, also after a restart; an hour later none may."""
        self.folders.begin()
        old = self.folders.open(job())
        old.store([b'{"data":{"id":"1"}}'])
        new = self.folders.open(job(name="new"), old.tally.counters)
        old.close()
        new.store([b'{"data":{"id":"2"}}'])
        self.assertEqual(self.newest(new), ["1", "2"])
        new.close()
        self.clock.advance(3000)
        for seconds, found in ((0, ["1", "2"]), (700, ["2"])):
            self.clock.advance(seconds)
            again = self.folders.open(job(name="new"))
            self.assertEqual(self.newest(again), found)
            again.close()

    def newest(self, archive: Archive) -> list[str]:
        """The ids of what the job has stored last."""
        return self.successResultOf(archive.newest_ids(60, 1 << 20))

    def test_a_crash_behind_the_move(self) -> None:
        """The old folder's last file is recovered there, and is in the numbers of the new one."""
        old = self.folders.open(job())
        old.store([b"{}"] * 3)
        new = self.folders.open(job(name="new"), old.tally.counters)
        left = self.base.with_name("left")
        leave(self.base, left)
        for archive in (old, new):
            archive.close()
        self.folders = anew(self.folders, base_dir=left)
        self.folders.begin()
        self.assertEqual(self.capture(job(name="new"), 1), Counters(1000, 4, 0))

    def test_renamed_twice_and_back(self) -> None:
        """The newest numbers count, not those which an earlier folder of the name still has."""
        names = ("test", "new", "newer", "test", "new", "new", "test")
        found = [self.capture(job(name=name), 1) for name in names]
        self.assertEqual(found, [Counters(1000, posts, 0) for posts in range(1, 8)])

    def test_a_crash_while_the_numbers_move(self) -> None:
        """Cut short before the index knew of the new folder, they are found in the old one."""
        self.capture(job(), 3)
        index = self.base / INDEX
        before = index.read_bytes()
        self.capture(job(name="new"), 0)
        index.write_bytes(before)
        self.assertEqual(self.capture(job(name="new"), 1), Counters(1000, 4, 0))
        self.assertEqual(self.capture(job(name="newer"), 1), Counters(1000, 5, 0))

    def test_a_disk_that_refuses_while_the_numbers_move(self) -> None:
        """The folder is not opened, and the next attempt finds what the first should have."""
        self.capture(job(), 3)
        with file_size_limit((self.base / INDEX).stat().st_size + 10):
            self.assertRaises(CannotStore, self.folders.open, job(name="new"))
        self.assertEqual(self.capture(job(name="new"), 1), Counters(1000, 4, 0))

    def test_what_a_crash_left_in_the_old_folder(self) -> None:
        """The start recovers it first, and so it moves too."""
        self.capture(job(), 3)
        (self.base / "test" / "test20151202_2050.json.tmp").write_bytes(b"{}\n")
        self.folders.begin()
        self.assertEqual(self.capture(job(name="new"), 0), Counters(1000, 4, 0))

    def test_another_client_had_the_job_meanwhile(self) -> None:
        """It shares the base_dir, and has noted where the numbers are."""
        self.capture(job(), 3)
        ours, self.folders = self.folders, anew(self.folders)
        self.capture(job(name="new"), 1)
        self.folders = ours
        self.assertEqual(self.capture(job(name="newer"), 1), Counters(1000, 5, 0))

    def test_the_index_was_removed(self) -> None:
        """It knows no folder any more: the own one counts."""
        self.capture(job(), 3)
        self.capture(job(name="new"), 1)
        (self.base / INDEX).unlink()
        self.assertEqual(self.capture(job(), 0), Counters(1000, 3, 0))

    def test_another_job_takes_the_old_name(self) -> None:
        """It has numbers of its own."""
        self.capture(job(7), 3)
        self.capture(job(7, "new"), 1)
        self.assertEqual(self.capture(job(8, "test", 20), 1), Counters(20, 1, 0))
        self.assertEqual(self.capture(job(7, "newer"), 0), Counters(1000, 4, 0))

    def test_the_old_folder_has_been_taken_away(self) -> None:
        """Then the number of the server is all there is."""
        self.capture(job(), 3)
        (self.base / "test").rename(self.base / "archive")
        self.assertEqual(self.capture(job(name="new", total=1003), 1), Counters(1003, 1, 0))

    def test_a_job_of_the_same_id_on_another_server(self) -> None:
        """Is another job."""
        self.capture(job(), 3)
        self.folders = anew(self.folders, server="http://other/")
        self.assertEqual(self.capture(job(name="new", total=20), 1), Counters(20, 1, 0))

    def test_the_index_grows_by_the_names_only(self) -> None:
        """Opening a folder again adds nothing to it."""
        for name in ("test", "test", "new", "new"):
            self.capture(job(name=name), 1)
        self.assertEqual([line["name"] for line in self.ledger(self.base / INDEX)], ["test", "new"])


class DescriptorTests(ArchiveCase):
    """The process has no file descriptor left, which concerns all captures alike."""

    lacking = False

    def test_it_is_said_once(self) -> None:
        """And once that there are some again, after the last capture has stored its posts."""
        use = structs.replace(self.folders.use, writing=self.write)
        folders = anew(self.folders, use=use)
        archives = [folders.open(job(id, f"test{id}")) for id in range(3)]
        for self.lacking, words in (
            (True, "no file descriptors left"),
            (False, "for all captures"),
        ):
            with capturedLogs() as events:
                for archive in archives:
                    archive.store([b"{}"])
                self.clock.advance(RETRY)
            (text,) = [formatEvent(event) for event in events]
            self.assertIn(words, text)
        for archive in archives:
            archive.close()

    def write(self, act: Callable[[], T]) -> Deferred[T]:
        return fail(OSError(errno.EMFILE, "Too many open files")) if self.lacking else in_place(act)


class RefusedTests(ArchiveCase):
    def test_a_name_that_is_no_folder(self) -> None:
        """The server cannot make this client write anywhere else: it is refused with a sentence."""
        for name in (
            "", " ", "..", ".", ".hidden", "a/b", "/etc", "../x", "a\0b", "a\nb", "x" * 250,
            "é" * 120, "\ud83d",
        ):  # fmt: skip
            error = self.assertRaises(CannotStore, self.folders.open, job(name=name))
            self.assertTrue(str(error).startswith("The name ") and str(error).endswith("."))
            self.assertFalse(self.folders.knows(job(name=name)))
        self.assertFalse(self.base.exists())

    def test_names_that_the_site_allows(self) -> None:
        """Letters, digits, spaces, `_` and `-`, up to 64."""
        for id, name in enumerate(("a b", "-x_1", "X" * 64, "Über 日本")):
            self.capture(job(id, name), 1)
            self.assertEqual(list(self.files(name)), [f"{name}20151202_2030.json"])

    @needs(Need.PROCESSES)
    def test_a_folder_that_another_client_has(self) -> None:
        """Two clients never write into one folder; when the other ends, it is free."""
        with held_by_another_process(ledger_path(self.base, "test")):
            error = self.assertRaises(CannotStore, self.folders.open, job())
            self.assertIn("Another client", str(error))
            self.assertFalse(self.folders.knows(job()))
        self.capture(job(), 1)

    def test_a_folder_that_another_job_has(self) -> None:
        """It is named, until it lets go."""
        other = self.folders.open(job(4))
        error = self.assertRaises(CannotStore, self.folders.open, job())
        folder = str(self.base / "test")
        self.assertEqual(str(error), f"Job 4 of this client captures into {folder!r}.")
        other.close()
        self.capture(job(), 1)

    def test_a_folder_that_cannot_be_made(self) -> None:
        """A file of that name stands there."""
        self.base.mkdir()
        (self.base / "test").write_bytes(b"")
        error = self.assertRaises(CannotStore, self.folders.open, job())
        self.assertEqual(
            str(error),
            f"The folder of 'test' cannot be used: there is a file of that name "
            f"({self.base / 'test'}).",
        )

    def test_a_base_dir_that_cannot_be_made(self) -> None:
        """The log has the words of the system, without a number, once until lines are written."""
        said = f"Cannot write below {self.base}: there is a file of that name ({self.base})."
        for _ in range(2):
            self.base.write_bytes(b"")
            with capturedLogs() as events:
                self.folders.begin()
                self.folders.note(ForeignPosts(by_rule={"": 1}))
            self.assertEqual([event["log_format"].format(**event) for event in events], [said])
            self.base.unlink()
            self.folders.note(ForeignPosts(by_rule={"": 2}))
            self.assertIn(b'"foreign_posts"', (self.base / INDEX).read_bytes())
            shutil.rmtree(self.base)

    def test_a_refused_opening_lets_go_of_the_folder(self) -> None:
        """Whatever went wrong after the lock was taken, the next attempt can succeed."""
        (self.base / "test").mkdir(parents=True)
        (self.base / INDEX).mkdir()
        self.assertRaises(CannotStore, self.folders.open, job())
        (self.base / INDEX).rmdir()
        self.capture(job(), 1)


class FoldersTests(ArchiveCase):
    def test_start_and_end_are_noted(self) -> None:
        """In the ledger that belongs to no capture."""
        self.folders.begin()
        self.folders.end()
        start, stop = self.ledger(self.base / INDEX)
        self.assertEqual((start["kind"], stop["kind"]), ("client_start", "client_stop"))
        self.assertEqual(start["server"], "http://server/")
        self.assertEqual(start["pid"], os.getpid())

    def test_a_base_folder_that_cannot_be_used(self) -> None:
        """It is logged, once; the start is noted when it can be."""
        self.base.write_bytes(b"")
        with capturedLogs() as events:
            self.folders.begin()
            self.folders.end()
        self.assertEqual([event["log_level"] for event in events], [LogLevel.error])
        self.base.unlink()
        self.folders.end()
        lines = self.ledger(self.base / INDEX)
        self.assertEqual(
            [line["kind"] for line in lines], ["client_start", "client_stop", "client_stop"]
        )

    def test_which_jobs_it_knows(self) -> None:
        """Those captured here, by this name or another; asking makes no folder."""
        self.assertFalse(self.folders.knows(job()))
        self.assertFalse((self.base / "test").exists())
        self.capture(job(), 1)
        self.assertTrue(self.folders.knows(job()))
        self.assertTrue(self.folders.knows(job(name="renamed")))
        self.assertFalse(self.folders.knows(job(8)))
        self.assertFalse((self.base / "renamed").exists())

    def test_a_torn_index_costs_no_name(self) -> None:
        """A client that died while it wrote there does not spoil what is written next."""
        self.base.mkdir()
        (self.base / INDEX).write_bytes(b'{"kind": "client_st')
        self.capture(job(), 3)
        self.assertEqual(self.capture(job(name="new"), 0), Counters(1000, 3, 0))


class SyncTests(ArchiveCase):
    def test_the_ledger_is_synced_with_the_posts(self) -> None:
        """And what is kept beside it: at the next interval after a line, and not where none is."""
        acts = Acts()
        self.folders = anew(self.folders, use=DiskUse(fsync_interval=2.0, threads=acts))
        with calls_noted("fdatasync") as calls:
            archive = self.folders.open(job())
            self.clock.advance(2.0)
            acts.do_all()
            self.clock.advance(2.0)
            acts.do_all()
            self.assertEqual(len(calls), 2)
            archive.note(ForeignPosts(by_rule={"": 1}))
            self.clock.advance(1.9)
            acts.do_all()
            self.assertEqual(len(calls), 2)
            self.clock.advance(0.1)
            acts.do_all()
        self.assertEqual(len(calls), 4)
        closed = archive.close()
        acts.do_all()
        self.successResultOf(closed)


class FullDiskTests(ArchiveCase):
    @property
    def path(self) -> Path:
        return ledger_path(self.base, "test")

    def test_a_note_that_cannot_be_written_is_said_once(self) -> None:
        """It must not end a capture; when the ledger works again, the next trouble is news."""
        archive = self.folders.open(job())
        for _ in range(2):
            with capturedLogs() as events, full(self.path):
                archive.note(ForeignPosts(by_rule={"": 1}))
                archive.note(ForeignPosts(by_rule={"": 2}))
                archive.tally.rebase(archive.tally.total + 10)
            self.assertEqual(
                [event["log_level"] for event in events if event["log_level"] >= LogLevel.error],
                [LogLevel.error],
            )
            archive.note(ForeignPosts(by_rule={"": 3}))
        archive.close()
        noted = self.ledger()[1:]
        self.assertEqual(
            [line["by_rule"][""] for line in self.events("foreign_posts")], [1, 2, 3, 1, 2, 3]
        )
        self.assertEqual(
            [line["kind"] for line in noted],
            [*("foreign_posts", "foreign_posts", "base", "foreign_posts") * 2, "capture_close"],
        )
        self.assertEqual(self.counters(), Counters(1020, 0, 0))

    def test_a_note_is_of_its_own_time(self) -> None:
        """However late it is written, which is when a report is due, if nothing is noted before."""
        archive = self.folders.open(job())
        with capturedLogs(), full(self.path):
            archive.note(ForeignPosts(by_rule={}))
        self.clock.advance(5)
        archive.flush()
        self.assertEqual(self.events("foreign_posts")[0]["at"], "2015-12-02T20:30:00.000Z")
        archive.close()

    def test_a_line_that_belongs_to_no_capture(self) -> None:
        """It waits too, even where the ledger cannot be opened."""
        self.base.write_bytes(b"")
        with capturedLogs():
            self.folders.note(ForeignPosts(by_rule={"": 1}))
        self.base.unlink()
        self.clock.advance(5)
        self.folders.note(ForeignPosts(by_rule={"": 2}))
        lines = self.ledger(self.base / INDEX)
        self.assertEqual([line["by_rule"] for line in lines], [{"": 1}, {"": 2}])
        self.assertEqual(lines[0]["at"], "2015-12-02T20:30:00.000Z")

    def test_a_folder_that_is_removed(self) -> None:
        """What went with it is said, in a new ledger with the numbers; they go on from there."""
        archive = self.folders.open(job())
        archive.store([b"{}"] * 2)
        self.clock.advance(600)
        archive.store([b"{}"] * 3)
        shutil.rmtree(self.base / "test")
        with capturedLogs() as events:
            archive.store([b"{}"])
        self.assertEqual([event["log_level"] for event in events], [LogLevel.error] * 2)
        self.assertEqual(archive.tally.total, 1006)
        [lost] = self.events("not_stored")
        self.assertEqual((lost["posts"], lost["counted"]), (3, True))
        self.assertEqual(self.counters(), Counters(1000, 5, 0))
        archive.close()
        self.assertEqual(self.files(), {"test20151202_2040_00.json": b"{}\n"})
        self.assertEqual(self.capture(job(), 1), Counters(1000, 7, 0))

    def test_a_ledger_that_is_removed(self) -> None:
        """The files that it had are in the new one, as those of before."""
        archive = self.folders.open(job())
        archive.store([b"{}"] * 2)
        self.clock.advance(600)
        ledger_path(self.base, "test").unlink()
        with capturedLogs():
            archive.tally.rebase(5000)
        self.assertEqual([line["posts"] for line in self.events("adopted")], [2])
        archive.close()

    def test_a_ledger_that_is_written_over_by_an_older_one(self) -> None:
        """While a capture runs: how things stand is said anew, and files that it lacks are read."""
        archive = self.folders.open(job())
        backup = self.path.read_bytes()
        archive.store([b"{}"] * 2)
        self.clock.advance(600)
        self.path.write_bytes(backup)
        with capturedLogs() as events:
            archive.tally.rebase(5000)
        [said] = [event for event in events if event["log_level"] >= LogLevel.error]
        self.assertIn("'test' was removed, moved or written over", formatEvent(said))
        self.assertEqual([line["posts"] for line in self.events("adopted")], [2])
        opened = self.events("capture_open")[-1]
        self.assertEqual(opened["account"]["posts"], 2)
        archive.close()

    def test_a_ledger_that_is_another_one_at_a_start(self) -> None:
        """The log says what has become of the one that was there."""
        self.folders.open(job()).close()
        ledger = ledger_path(self.base, "test")
        first = ledger.read_bytes().partition(b"\n")[0]
        for act, said in (
            (partial(ledger.write_bytes, first + b"\n"), "is shorter"),
            (ledger.unlink, "was removed"),
        ):
            act()
            with capturedLogs() as events:
                self.folders.open(job()).close()
            self.assertIn(said, "".join(formatEvent(event) for event in events))

    def test_a_ledger_that_was_put_back_while_a_capture_ran(self) -> None:
        """The gap is called by its name: nobody was killed, as far as anybody knows."""
        archive = self.folders.open(job())
        archive.capture_log.begin("started", Status.STARTING, "obama")
        archive.capture_log.heard()
        backup = ledger_path(self.base, "test").read_bytes()
        archive.capture_log.end("stopped", Status.STOPPING)
        archive.close()
        ledger_path(self.base, "test").write_bytes(backup)
        with capturedLogs():
            archive = self.folders.open(job())
        self.addCleanup(archive.close)
        missing = archive.capture_log.missing
        assert missing is not None
        self.assertEqual(missing.cause, "restored")
        self.assertIn("the ledger is shorter than it was", missing.detail)
        self.assertEqual(self.events("capture_open")[-1]["open_gap"]["cause"], "restored")

    def test_giving_up(self) -> None:
        """The account says what is lost, if the disk takes that much; it never was counted."""
        archive = self.folders.open(job())
        archive.store([b"{}"])
        with capturedLogs() as events, full(self.base / "test" / "test20151202_2030.json.tmp"):
            archive.store([b"{}"] * 2)
            archive.give_up()
            archive.give_up()
        self.assertEqual([event["log_level"] for event in events], [LogLevel.error] * 2)
        self.assertEqual([line["posts"] for line in self.events("not_stored")], [2])
        self.successResultOf(archive.close())
        self.folders.open(job()).close()
        self.assertEqual(self.counters(), Counters(1000, 1, 0))

    def test_closing_waits(self) -> None:
        """What cannot be booked is not finished, and the folder is kept; it stands there once."""
        archive = self.folders.open(job())
        archive.store([b"{}"])
        with full(self.path):
            closed = archive.close()
            self.clock.advance(RETRY)
            self.assertNoResult(closed)
        self.assertRaises(CannotStore, self.folders.open, job())
        self.clock.advance(RETRY)
        self.successResultOf(closed)
        self.assertEqual(self.files(), {"test20151202_2030.json": b"{}\n"})
        self.assertEqual(self.counters(), Counters(1000, 1, 0))
        self.assertEqual(len(self.events("file")), 1)
