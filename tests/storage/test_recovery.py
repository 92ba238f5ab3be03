"""What a crash leaves, at every moment at which one can come, and what recovery makes of it."""

import contextlib
import hashlib
import json
import os
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.jobs import Job, Status
from tcclient.ledger.bookings import CaptureClose, CaptureOpen, File
from tcclient.ledger.counters import Counters
from tcclient.ledger.fold import newest_counters
from tcclient.ledger.ledgerfile import Ledger
from tcclient.ledger.reading import newest_first, raw_newest_first
from tcclient.runtime.appending import End
from tcclient.sources.registry import post_ids
from tcclient.sources.twitter_v2.entries import ForeignPosts
from tcclient.storage.archive import Archive
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.finalname import Link, give_final_name
from tcclient.storage.folders import Folders
from tcclient.storage.index import INDEX
from tcclient.storage.openfile import DOUBTFUL
from tcclient.storage.recovery import ledger_path, recover, recover_all
from tcclient.storage.slots import Naming
from tests.marks import Need, needs
from tests.storage.crashes import Life, Say, run_and_kill
from tests.storage.disk import (
    contents,
    file_size_limit,
    held_by_another_process,
    refuse_links,
    unprivileged,
)

HALF_PAST = datetime(2015, 12, 2, 20, 30, tzinfo=UTC).timestamp()
NAMING = Naming("test", utc=True)
JOB = Job(7, "test", Status.STARTED, "obama", 1000, None, False, None)
FINAL = "test20151202_2030.json"
TMP = FINAL + ".tmp"
IDS = post_ids()

BIG = 1 << 20
"""More than any file of these tests has by itself; data files are read in blocks of this size."""


def clock_at(now: float) -> Clock:
    clock = Clock()
    clock.advance(now)
    return clock


def post(number: int) -> bytes:
    return b'{"id": %d, "text": "%s"}' % (number, b"x" * 200)


class RecoveryCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.begin_afresh()

    def begin_afresh(self) -> None:
        """An empty base folder; the next of the same test too."""
        self.base = Path(self.mktemp())
        self.folder = self.base / "test"
        self.folder.mkdir(parents=True)

    def put(self, **files: bytes) -> None:
        """Files as a crash left them: `final`, `tmp`, or any name."""
        for name, content in files.items():
            (self.folder / {"final": FINAL, "tmp": TMP}.get(name, name)).write_bytes(content)

    def note_counters(self, *lines: tuple[int, Counters]) -> None:
        """Write the numbers of jobs into the ledger, as the process that crashed did."""
        with self.ledger() as ledger:
            for job, counters in lines:
                ledger.write(CaptureOpen(schema=1, name="test", counters=counters), job)

    def book(self, name: str, posts: int) -> None:
        with self.ledger() as ledger:
            ledger.write(File(name=name, posts=posts, bytes=0, counters=Counters(0, posts, 0)), 7)

    def ledger(self) -> Ledger:
        return Ledger(ledger_path(self.base, "test"), clock_at(HALF_PAST).seconds)

    def recover(self, link: Link = os.link) -> None:
        """As at a start; the second time there is nothing to do."""
        with self.ledger() as ledger:
            recover(self.folder, NAMING, ledger, IDS, link)
        once = contents(self.base)
        with self.ledger() as ledger:
            recover(self.folder, NAMING, ledger, IDS, link)
        self.assertEqual(contents(self.base), once)

    def files(self) -> dict[str, bytes]:
        """All files of the capture but its ledger."""
        return {
            name: content
            for name, content in contents(self.folder).items()
            if ".ledger." not in name
        }

    def events(self, kind: str) -> list[dict[str, object]]:
        """The lines of that kind, oldest first, without their times."""
        told = map(json.loads, raw_newest_first(ledger_path(self.base, "test")))
        lines = [line for line in told if line["kind"] == kind]
        return [{k: v for k, v in line.items() if k not in ("at", "kind")} for line in lines[::-1]]

    def counters(self, job: int = 7) -> Counters | None:
        return newest_counters(newest_first(ledger_path(self.base, "test")), job).get(job)


class LeftoverTests(RecoveryCase):
    """States built by hand, one at a time."""

    def test_whole_lines_are_finished_and_booked(self) -> None:
        """They belong to the job that was accounted for last, and are added to its posts."""
        self.put(tmp=b"a\nb\n")
        os.utime(self.folder / TMP, (0, HALF_PAST - 1.5))
        self.note_counters((8, Counters(0, 9, 9)), (7, Counters(100, 20, 5)))
        self.recover()
        self.assertEqual(self.files(), {FINAL: b"a\nb\n"})
        self.assertEqual(
            self.events("file")[-1],
            {
                "job": 7,
                "name": FINAL,
                "posts": 2,
                "bytes": 4,
                "sha256": hashlib.sha256(b"a\nb\n").hexdigest(),
                "last_arrival": "2015-12-02T20:29:58.500Z",
                "recovered": True,
                "account": {"base": 100, "posts": 22, "settled": 5},
            },
        )
        self.assertEqual(self.counters(8), Counters(0, 9, 9))

    def test_the_line_that_was_being_written_is_cut_off(self) -> None:
        """It is kept in a file of its own, and the ledger says so."""
        self.put(tmp=b"a\nb\n" + b"{" * 3)
        self.recover()
        self.assertEqual(self.files(), {FINAL: b"a\nb\n", FINAL + ".torn": b"{{{"})
        self.assertEqual(self.events("torn"), [{"name": FINAL + ".torn", "bytes": 3}])
        self.assertEqual([line["posts"] for line in self.events("file")], [2])

    def test_a_line_without_end(self) -> None:
        """As a power cut may leave megabytes of NULs: they are kept, and never all in memory."""
        line = b"\0" * (8 << 20)
        self.put(tmp=b"a\n" + line, **{FINAL + ".torn": line[: 1 << 20]})
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        with self.ledger() as ledger:
            recover(self.folder, NAMING, ledger, IDS)
        _, peak = tracemalloc.get_traced_memory()
        self.assertLess(peak, 2 << 20)
        self.assertEqual(self.files(), {FINAL: b"a\n", FINAL + ".torn": line})

    def test_a_torn_line_and_nothing_else(self) -> None:
        """There is no empty file."""
        self.put(tmp=b"{")
        self.recover()
        self.assertEqual(self.files(), {FINAL + ".torn": b"{"})
        self.assertEqual(self.events("file"), [])

    def test_an_empty_file_disappears(self) -> None:
        """The crash came between its opening and its first post."""
        self.put(tmp=b"")
        self.recover()
        self.assertEqual(self.files(), {})
        self.assertEqual(self.events("file"), [])

    def test_nothing_that_stands_is_touched(self) -> None:
        """Neither a finished file nor an older torn line."""
        self.put(final=b"old\n", tmp=b"new\n{", **{FINAL + ".torn": b"older"})
        self.recover()
        self.assertEqual(
            self.files(),
            {
                FINAL: b"old\n",
                FINAL + ".torn": b"older",
                "test20151202_2030_00.json": b"new\n",
                "test20151202_2030_00.json.torn": b"{",
            },
        )

    def test_a_copy_from_before_it_was_finished(self) -> None:
        """A backup was put back: the finished file has all of it, and it counts once."""
        whole = b'{"id_str":"1","text":""}\n{"id_str":"2","text":""}\n'
        for content in (whole, whole[: len(whole) // 2], whole[:-5]):
            self.begin_afresh()
            self.put(final=whole, tmp=content)
            self.book(FINAL, 2)
            with capturedLogs() as logs:
                self.recover()
            self.assertEqual(self.files(), {FINAL: whole})
            self.assertEqual(self.counters(), Counters(0, 2, 0))
            self.assertEqual([event["log_level"] for event in logs], [LogLevel.warn])

    def test_a_copy_that_has_something_of_its_own(self) -> None:
        """It is a file of its own, whatever stands in its place."""
        whole = b'{"id_str":"1","text":""}\n{"id_str":"2","text":""}\n'
        for there in (whole[: len(whole) // 2], b"", None):
            self.begin_afresh()
            if there is None:
                (self.folder / FINAL).symlink_to("gone")
            else:
                self.put(final=there)
            self.put(tmp=whole)
            self.recover()
            self.assertEqual(len(self.events("file")), 1)

    def test_linked_and_not_booked(self) -> None:
        """One file under both names: it is booked, and loses the temporary one."""
        for name in (FINAL, "test20151202_2030_00.json"):
            self.begin_afresh()
            if name != FINAL:
                self.put(final=b"old\n")
            self.put(tmp=b"a\n")
            self.note_counters((7, Counters()))
            os.link(self.folder / TMP, self.folder / name)
            self.recover()
            self.assertEqual(self.files().pop(name), b"a\n")
            self.assertEqual([line["name"] for line in self.events("file")], [name])
            self.assertEqual(self.counters(), Counters(0, 1, 0))
            self.assertFalse((self.folder / TMP).exists())

    def test_linked_and_booked(self) -> None:
        """It only loses the temporary name: booked again, its posts would count twice."""
        for name in (FINAL, "test20151202_2030_00.json"):
            self.begin_afresh()
            if name != FINAL:
                self.put(final=b"old\n")
            self.put(tmp=b"a\n")
            os.link(self.folder / TMP, self.folder / name)
            self.book(name, 1)
            self.recover()
            self.assertEqual(self.files().pop(name), b"a\n")
            self.assertEqual(len(self.events("file")), 1)
            self.assertEqual(self.counters(), Counters(0, 1, 0))
            self.assertFalse((self.folder / TMP).exists())

    def test_booked_with_an_older_file_beside_it(self) -> None:
        """What is recovered first is booked last; that must not hide the booking that counts."""
        self.put(tmp=b"a\n", **{"test20151202_2020.json.tmp": b"b\nc\n"})
        os.link(self.folder / TMP, self.folder / FINAL)
        self.book(FINAL, 1)
        self.recover()
        self.assertEqual(self.files(), {"test20151202_2020.json": b"b\nc\n", FINAL: b"a\n"})
        self.assertEqual(self.counters(), Counters(0, 3, 0))
        self.assertEqual(len(self.events("file")), 2)

    def test_a_booking_of_the_same_name_that_was_moved_away(self) -> None:
        """The researcher has taken the finished file; the next one of that name is another."""
        self.book(FINAL, 5)
        self.put(tmp=b"a\n")
        self.recover()
        self.assertEqual(self.files(), {FINAL: b"a\n"})
        self.assertEqual(self.counters(), Counters(0, 6, 0))

    def test_reserved_and_not_booked(self) -> None:
        """Without links, a crash may leave the empty file that keeps the name; it is used."""
        self.put(final=b"", tmp=b"a\n")
        self.recover(refuse_links)
        self.assertEqual(self.files(), {FINAL: b"a\n"})
        self.assertEqual([line["name"] for line in self.events("file")], [FINAL])

    def test_reserved_and_booked(self) -> None:
        """Only the move is left to do."""
        self.put(final=b"", tmp=b"a\n")
        self.book(FINAL, 1)
        self.recover(refuse_links)
        self.assertEqual(self.files(), {FINAL: b"a\n"})
        self.assertEqual(self.counters(), Counters(0, 1, 0))
        self.assertEqual(len(self.events("file")), 1)

    def test_a_link_that_leads_nowhere_hides_no_booking(self) -> None:
        """It takes its name like any file; the booked file behind it is found."""
        (self.folder / FINAL).symlink_to("gone")
        self.put(tmp=b"a\n")
        second = "test20151202_2030_00.json"
        os.link(self.folder / TMP, self.folder / second)
        self.book(second, 1)
        self.recover()
        self.assertEqual(self.files(), {second: b"a\n"})
        self.assertEqual(self.counters(), Counters(0, 1, 0))

    def test_what_the_original_client_left(self) -> None:
        """CRLF and blank lines stay; the posts are counted, the blank lines are not."""
        left = b'{"id": 1}\r\n\n{"id": 2}\r\n\n{"id": 3'
        self.put(tmp=left)
        self.recover()
        self.assertEqual(
            self.files(),
            {FINAL: b'{"id": 1}\r\n\n{"id": 2}\r\n\n', FINAL + ".torn": b'{"id": 3'},
        )
        self.assertEqual([line["posts"] for line in self.events("file")], [2])
        self.assertIsNone(self.counters())

    def test_when_the_last_byte_was_written(self) -> None:
        """Of the newest leftover; recovering again finds nothing left."""
        for name, seconds in (("test20151202_2020.json.tmp", 2.0), (TMP, 1.5)):
            self.put(**{name: b"a\n"})
            os.utime(self.folder / name, (0, HALF_PAST - seconds))
        with self.ledger() as ledger:
            self.assertEqual(recover(self.folder, NAMING, ledger, IDS), HALF_PAST - 1.5)
            self.assertIsNone(recover(self.folder, NAMING, ledger, IDS))
        arrivals = ["2015-12-02T20:29:58.000Z", "2015-12-02T20:29:58.500Z"]
        self.assertEqual([line["last_arrival"] for line in self.events("file")], arrivals)

    def test_the_time_of_a_file_that_was_being_written(self) -> None:
        """It says nothing: of what waited to be written, nobody knows how much is there."""
        for content, told in ((b"a\n", True), (b"a\n{", False), (b"{", False), (b"", False)):
            self.begin_afresh()
            self.put(tmp=content)
            os.utime(self.folder / TMP, (0, HALF_PAST))
            with self.ledger() as ledger:
                self.assertEqual(recover(self.folder, NAMING, ledger, IDS) is not None, told)
            for line in self.events("file"):
                self.assertEqual("last_arrival" in line, told)

    def test_a_doubtful_time(self) -> None:
        """It says nothing, also to whoever comes after a crash of the recovery."""
        self.put(tmp=b"a\n")
        os.utime(self.folder / TMP, ns=(DOUBTFUL, int(HALF_PAST) * 10**9))
        with self.ledger() as ledger, file_size_limit(0):
            self.assertRaises(OSError, recover, self.folder, NAMING, ledger, IDS)
        self.recover()
        [line] = self.events("file")
        self.assertNotIn("last_arrival", line)

    def test_a_time_that_a_write_has_left(self) -> None:
        """It says nothing either, though somebody has read the file since."""
        self.put(tmp=b"a\n")
        self.recover()
        [line] = self.events("file")
        self.assertNotIn("last_arrival", line)

    def test_a_file_of_somebody_else(self) -> None:
        """It is finished where it is whole, and hinders nobody where it cannot be cut or read."""
        for content, mode, is_left in (
            (b"{}\n", 0o444, False),
            (b"{}\n{", 0o444, True),
            (b"a\n", 0, True),
        ):
            self.begin_afresh()
            self.put(tmp=content, **{"test20151202_2040.json.tmp": b"{}\n"})
            self.base.parent.chmod(0o755)
            self.folder.chmod(0o777)
            (self.folder / TMP).chmod(mode)
            (self.folder / "test20151202_2040.json.tmp").chmod(0o666)
            with self.ledger() as ledger, capturedLogs() as events, unprivileged():
                recover(self.folder, NAMING, ledger, IDS)
            self.assertEqual((self.folder / TMP).exists(), is_left)
            self.assertEqual(
                [line["name"] for line in self.events("file")],
                ([] if is_left else [FINAL]) + ["test20151202_2040.json"],
            )
            levels = [event["log_level"] for event in events]
            self.assertEqual(levels, [LogLevel.warn if is_left else LogLevel.info, LogLevel.info])

    def test_a_file_from_while_no_client_had_the_folder(self) -> None:
        """It is finished as any other, and the log says where it comes from."""
        for ended, expected in (
            (HALF_PAST, "somebody had put there or changed while no client had the folder, with 1"),
            (2**33, "a crash had left with 1"),
            (None, "a crash had left with 1"),
        ):
            self.begin_afresh()
            self.note_counters((7, Counters(100, 20, 5)))
            if ended is not None:
                with Ledger(ledger_path(self.base, "test"), lambda at=ended: at) as ledger:
                    ledger.write(CaptureClose(counters=Counters(100, 20, 5)), 7)
            self.put(tmp=post(1) + b"\n")
            with capturedLogs() as events:
                self.recover()
            [said] = [formatEvent(event) or "" for event in events]
            self.assertIn(expected, said)
            self.assertEqual(self.files(), {FINAL: post(1) + b"\n"})

    def test_lines_that_are_no_posts(self) -> None:
        """They stay where they are, and the log has their number."""
        self.put(tmp=b'{"id": 1}\r\nhello\n\n{"a\n b}\n{}\n')
        with capturedLogs() as events:
            self.recover()
        [said] = [formatEvent(event) or "" for event in events]
        self.assertIn("with 5 posts. 3 of them begin or end as no post does", said)

    def test_other_files_are_left_alone(self) -> None:
        """Those of other captures, of other extensions, folders, torn lines."""
        names = ("other20151202_2030.json.tmp", "test.txt.tmp", "test.tmp", "x.json.torn")
        self.put(**dict.fromkeys(names, b"a\n"))
        (self.folder / TMP).mkdir()
        self.recover()
        self.assertEqual(self.files(), dict.fromkeys(names, b"a\n"))

    def test_posts_of_any_length(self) -> None:
        """The last newline is found behind blocks without any, and right at their borders."""
        for whole, torn in (
            (BIG, 0), (BIG, 1), (BIG - 1, BIG), (BIG, BIG), (2, 3 * BIG), (BIG + 1, BIG - 1),
        ):  # fmt: skip
            self.begin_afresh()
            self.put(tmp=b"x" * (whole - 1) + b"\n" + b"y" * torn)
            self.recover()
            self.assertEqual((self.folder / FINAL).stat().st_size, whole)
            self.assertEqual(len(self.files().get(FINAL + ".torn", b"")), torn)

    def test_a_full_disk_is_not_filled_further(self) -> None:
        """Recovery is tried again and again; the torn line does not get one more file each time."""
        self.put(tmp=b"a\n" + b"{" * 5000)
        with self.ledger() as ledger:
            for _ in range(3):
                with file_size_limit(4096):
                    self.assertRaises(OSError, recover, self.folder, NAMING, ledger, IDS)
        self.assertEqual(len(self.files()), 2)
        self.assertEqual(self.files()[TMP], b"a\n" + b"{" * 5000)
        self.recover()
        self.assertEqual(self.files(), {FINAL: b"a\n", FINAL + ".torn": b"{" * 5000})

    def test_a_booking_that_cannot_be_written(self) -> None:
        """The file is not finished without it; at the next try it is, once."""
        for link in (os.link, refuse_links):
            self.begin_afresh()
            self.put(tmp=b"a\n")
            self.note_counters((7, Counters()))
            with self.ledger() as ledger, file_size_limit(ledger.path.stat().st_size):
                self.assertRaises(OSError, recover, self.folder, NAMING, ledger, IDS, link)
            self.assertTrue((self.folder / TMP).exists())
            self.recover(link)
            self.assertEqual(self.files(), {FINAL: b"a\n"})
            self.assertEqual(self.counters(), Counters(0, 1, 0))


class AnyContentTests(RecoveryCase):
    """A disk that lost power may hold anything."""

    @settings(derandomize=True, deadline=None, database=None, max_examples=40)
    @given(
        st.lists(st.sampled_from((b"\n", b"\r\n", b"\0", b"{}", b"\xff", b" ", b"\r", b"abc"))),
        st.booleans(),
    )
    def test_every_byte_is_kept(self, pieces: list[bytes], clash: bool) -> None:
        """Up to the last newline in the finished file, the rest in the torn one."""
        content = b"".join(pieces)
        whole = content[: content.rfind(b"\n") + 1]
        self.begin_afresh()
        self.put(tmp=content)
        self.note_counters((7, Counters(1, 2, 3)))
        if clash:
            self.put(final=b"old\n")
        self.recover()
        expected = {FINAL: b"old\n"} if clash else {}
        if whole:
            expected["test20151202_2030_00.json" if clash else FINAL] = whole
        if whole != content:
            expected[FINAL + ".torn"] = content[len(whole) :]
        self.assertEqual(self.files(), expected)
        posts = sum(1 for line in whole.split(b"\n") if line.strip(b" \t\r\x0b\x0c"))
        self.assertEqual(self.counters(), Counters(1, 2 + posts, 3))

    @settings(derandomize=True, deadline=None, database=None, max_examples=40)
    @given(
        st.binary(max_size=60)
        | st.lists(
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.sampled_from((FINAL, "file", "/\0")),
                lambda inner: st.lists(inner) | st.dictionaries(st.just("base"), inner),
            ).flatmap(
                lambda value: st.sampled_from(
                    (
                        {"kind": "file", "name": value},
                        {"job": value, "account": {"base": 0, "posts": 0, "settled": 0}},
                        {"job": 7, "account": value},
                    )
                )
            )
        ).map(lambda lines: b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    )
    @example(b'{"kind": "file", "name": ["' + FINAL.encode() + b'"]}\n')
    def test_no_ledger_stops_recovery(self, ledger: bytes) -> None:
        """Whatever it says, the lines are finished."""
        self.begin_afresh()
        self.put(tmp=b"a\n")
        ledger_path(self.base, "test").write_bytes(ledger)
        self.recover()
        self.assertEqual(self.files(), {FINAL: b"a\n"})


class AllFoldersTests(RecoveryCase):
    """recover_all(), as at the start of the process."""

    def leave(self, name: str) -> None:
        (self.base / name).mkdir(exist_ok=True)
        (self.base / name / f"{name}20151202_2030.json.tmp").write_bytes(b"a\n")

    def recover_all(self, base: Path) -> None:
        folders = {path for path in base.glob("*") if path.is_dir()}
        recover_all(folders, structs.replace(NAMING, name=""), clock_at(HALF_PAST).seconds, IDS)

    def names(self) -> list[str]:
        return sorted(name for name in contents(self.base) if name.endswith((".json", ".tmp")))

    def test_each_capture_is_recovered(self) -> None:
        """Whatever it is called."""
        for name in ("one", "two words", "a[b]*"):
            self.leave(name)
        self.recover_all(self.base)
        self.assertEqual(
            self.names(),
            sorted(f"{name}/{name}20151202_2030.json" for name in ("one", "two words", "a[b]*")),
        )

    @needs(Need.PROCESSES)
    def test_what_another_client_captures_is_left_to_it(self) -> None:
        """
        Its temporary file is not left over, and nothing is said of it: who wants to capture there
        is told then.  The other folders are recovered.
        """
        self.leave("theirs")
        self.leave("zours")
        with held_by_another_process(ledger_path(self.base, "theirs")), capturedLogs() as events:
            self.recover_all(self.base)
        self.assertEqual([event.get("name") for event in events], ["zours20151202_2030.json"])
        self.assertEqual(
            self.names(),
            ["theirs/theirs20151202_2030.json.tmp", "zours/zours20151202_2030.json"],
        )

    def test_a_folder_that_is_no_capture_gets_no_ledger(self) -> None:
        """Other programs keep temporary files too."""
        (self.base / "notes").mkdir()
        (self.base / "notes" / "draft.json.tmp").write_bytes(b"{}")
        before = contents(self.base)
        self.recover_all(self.base)
        self.assertEqual(contents(self.base), before)

    def test_what_cannot_be_recovered_does_not_hinder_the_others(self) -> None:
        """It stays as it is."""
        self.leave("bad")
        self.leave("good")
        ledger_path(self.base, "bad").mkdir()
        self.recover_all(self.base)
        self.assertEqual(
            self.names(), ["bad/bad20151202_2030.json.tmp", "good/good20151202_2030.json"]
        )

    def test_no_folder_at_all(self) -> None:
        """A base_dir that does not exist yet, or is a file, is not this function's trouble."""
        self.recover_all(self.base / "none")
        (self.base / "file").write_bytes(b"")
        self.recover_all(self.base / "file")


def folders_at(base: Path, now: float) -> tuple[Folders, Clock]:
    clock = clock_at(now)
    use = DiskUse(flush_interval=0.1, ids=IDS)
    return Folders(
        base, structs.replace(NAMING, name=""), "http://server/", clock, clock.seconds, use=use
    ), clock


class Storing:
    """Stores posts, and says of each when it has been counted: it must be there after any crash."""

    def __init__(self, archive: Archive, say: Say) -> None:
        self.archive = archive
        self._say = say
        self._before = archive.tally.posts
        self._numbers: list[int] = []
        self._said = 0

    def store(self, numbers: Iterable[int]) -> None:
        """One block, that waits for others, and where the disk refuses it, for the disk."""
        some = list(numbers)
        self._numbers += some
        self.archive.store([post(number) for number in some])
        self.look()

    def flush(self) -> None:
        """What waits is written, if it can be."""
        self.archive.flush()
        self.look()

    def close(self) -> None:
        """The capture ends, which the disk does not hinder any more."""
        closed = self.archive.close()
        assert closed.called
        self.look()
        assert self._said == len(self._numbers)

    def look(self) -> None:
        """Time may have passed."""
        counted = self.archive.tally.posts - self._before
        for number in self._numbers[self._said : counted]:
            self._say(number)
        self._said = counted


def a_day(base: Path, first: int, now: float) -> Callable[[Say], None]:
    """
    A client's life: it stores posts from `first` on, in three slots, one of them with a disk that
    takes half a block, and the whole later; a file is finished by the clock, one by a later post,
    one at the end.
    """

    def live(say: Say) -> None:
        folders, clock = folders_at(base, now)
        folders.begin()
        archive = folders.open(JOB)
        posts = Storing(archive, say)
        posts.store(range(first, first + 2))
        clock.advance(0.2)
        archive.note(ForeignPosts(by_rule={"": 1}))
        posts.store(range(first + 2, first + 3))
        clock.advance(600)
        posts.store(range(first + 3, first + 4))
        posts.store(range(first + 4, first + 5))
        posts.flush()
        with file_size_limit(700):
            posts.store(range(first + 5, first + 9))
            posts.flush()
        archive.tally.accepted(archive.tally.update(clock.seconds()))
        clock.advance(2)
        posts.store(range(first + 9, first + 10))
        clock.rightNow += 600
        posts.store(range(first + 10, first + 11))
        posts.close()
        folders.end()

    return live


class CrashCase(RecoveryCase):
    """Real processes that are killed, and what a start after them finds and makes."""

    def setUp(self) -> None:
        super().setUp()
        self.stored: set[int] = set()

    def begin_afresh(self) -> None:
        super().begin_afresh()
        self.stored = set()

    def live(self, nth: int, act: Callable[[Say], None]) -> Life:
        life = run_and_kill(nth, act)
        self.stored.update(life.stored)
        return life

    def lines_on_disk(self) -> Counter[bytes]:
        return Counter(
            line
            for name, content in self.files().items()
            if name.endswith(".json")
            for line in content.splitlines(keepends=True)
        )

    def finished(self) -> dict[str, bytes]:
        return {
            name: content
            for name, content in self.files().items()
            if name.endswith(".json") and content and not (self.folder / (name + ".tmp")).exists()
        }

    def start_again(self, link: Link = os.link) -> None:
        """Recover, and look at every promise."""
        before = self.finished()
        with self.ledger() as ledger:
            recover(self.folder, NAMING, ledger, IDS, link)
        after = self.files()
        once = contents(self.base)
        with self.ledger() as ledger:
            recover(self.folder, NAMING, ledger, IDS, link)
        self.assertEqual(contents(self.base), once, "a second recovery changes nothing")
        self.assertEqual({name: after.get(name) for name in before}, before, "none is clobbered")
        self.assertEqual([name for name in after if name.endswith(".tmp")], [])
        self.assertNotIn(b"", after.values(), "none is empty")
        self.check_lines()
        self.check_counters()

    def check_lines(self) -> None:
        lines = self.lines_on_disk()
        self.assertEqual(set(lines.values()) - {1}, set(), "no line stands twice")
        numbers = {json.loads(line)["id"] for line in lines}
        self.assertEqual(self.stored - numbers, set(), "none that was stored is missing")
        self.assertEqual(set(lines), {post(number) + b"\n" for number in numbers}, "all are whole")

    def check_counters(self) -> None:
        """The ledger's numbers are those of the lines, in sum and file by file."""
        files = {
            name: content.count(b"\n")
            for name, content in self.files().items()
            if name.endswith(".json")
        }
        booked = Counter({line["name"]: line["posts"] for line in self.events("file")})
        self.assertEqual(booked, Counter(files))
        self.assertEqual(len(self.events("file")), len(files), "each is booked once")
        counters = self.counters()
        self.assertEqual(counters.posts if counters else 0, sum(files.values()))

    def kill_recovery(
        self, act: Callable[[Say], None], link: Link = os.link, first: int = 0, step: int = 1
    ) -> None:
        """Kill a recovery of what is left here before each of its disk calls, or some of them."""
        left, stored = self.base, self.stored
        for nth in range(first, 1000, step):
            self.begin_afresh()
            self.stored = stored.copy()
            copy_of(left, self.base)
            life = self.live(nth, act)
            self.start_again(link)
            if not life.killed:
                return
        self.fail("It never came to its end.")

    def state(self) -> object:
        """What tells one leftover from another for recovery: neither names nor texts."""
        newest = next(raw_newest_first(ledger_path(self.base, "test")), b"")
        booked_last = b'"kind": "file"' in newest
        return booked_last, sorted(
            (path.suffix, path.stat().st_nlink, path.read_bytes()[-1:])
            for path in self.folder.iterdir()
            if path.suffix == ".tmp" or not path.stat().st_size
        )


def copy_of(left: Path, base: Path) -> None:
    """The same files in another place; names of one file stay names of one file."""
    copies: dict[int, Path] = {}
    for path in sorted(path for path in left.rglob("*") if path.is_file()):
        copy = base / path.relative_to(left)
        inode = path.stat().st_ino
        if inode in copies:
            os.link(copies[inode], copy)
        else:
            copies[inode] = copy
            copy.write_bytes(path.read_bytes())


@needs(Need.PROCESSES)
class KilledTests(CrashCase):
    _left: ClassVar[list[tuple[Path, set[int]]]] = []

    def leftovers(self) -> Iterator[None]:
        """What a client leaves that is killed before each of its disk calls; made once for all."""
        if not self._left:
            type(self)._left = list(self.kill_at_every_moment())
        for base, stored in self._left:
            self.begin_afresh()
            copy_of(base, self.base)
            self.stored = stored.copy()
            yield

    def kill_at_every_moment(self) -> Iterator[tuple[Path, set[int]]]:
        """The folders that are left, and the posts that were stored in them."""
        for nth in range(1000):
            self.begin_afresh()
            self.put(final=post(9000) + b"\n")  # not ours: the first slot's name is taken
            self.note_counters((7, Counters()))
            self.book(FINAL, 1)
            if not self.live(nth, a_day(self.base, 0, HALF_PAST)).killed:
                self.assertEqual(self.stored, set(range(11)))
                return
            yield self.base, self.stored
        self.fail("It never came to its end.")

    def kinds_of_leftovers(self) -> Iterator[None]:
        """The same, but only the first of those that recovery cannot tell apart."""
        seen: list[object] = []
        for _ in self.leftovers():
            state = self.state()
            if state not in seen:
                seen.append(state)
                yield
        self.assertGreater(len(seen), 4)

    def test_at_every_moment(self) -> None:
        """Every stored line stands once, whole, in a finished file, and is accounted for."""
        moments = 0
        for _ in self.leftovers():
            self.start_again()
            moments += 1
        self.assertGreater(moments, 60)

    def test_at_every_moment_of_the_recovery_too(self) -> None:
        """
        Whatever the first crash left, a second one while it is put in order costs nothing.  Each
        kind is killed at every third moment, the next kind at others.
        """
        for number, _ in enumerate(self.kinds_of_leftovers()):
            self.kill_recovery(
                lambda say: folders_at(self.base, HALF_PAST)[0].begin(), first=number % 3, step=3
            )

    def test_and_life_goes_on(self) -> None:
        """A client that starts in the same slot after each crash counts on from there."""
        for _ in self.kinds_of_leftovers():
            self.assertFalse(self.live(-1, a_day(self.base, 100, HALF_PAST)).killed)
            self.start_again()
            self.assertEqual(len(self.events("torn")), len(self.torn()))

    def torn(self) -> list[str]:
        return [name for name in self.files() if name.endswith(".torn")]


@needs(Need.PROCESSES)
class KilledWithoutLinksTests(CrashCase):
    """The same on a file system without hard links."""

    def two_files(self, say: Say) -> None:
        """As RotatingFile does it."""
        posts = 0
        with self.ledger() as ledger:
            ledger.write(CaptureOpen(schema=1, name="test", counters=Counters()), 7)

            def book(name: str) -> None:
                ledger.write(File(name=name, posts=2, bytes=0, counters=Counters(0, posts, 0)), 7)

            for first in (0, 2):
                tmp = self.folder / TMP
                fd = os.open(tmp, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)
                for number in (first, first + 1):
                    End(fd).append([post(number) + b"\n"])
                    say(number)
                    posts += 1
                os.close(fd)
                give_final_name(tmp, NAMING.alternatives(FINAL), book, refuse_links)

    def recover_in_child(self, say: Say) -> None:
        with self.ledger() as ledger:
            recover(self.folder, NAMING, ledger, IDS, refuse_links)

    def test_at_every_moment(self) -> None:
        """Of the first life, and at every third one of the recovery after it."""
        seen: list[object] = []
        for first in range(1000):
            self.begin_afresh()
            life = self.live(first, self.two_files)
            state = self.state()
            if state not in seen:
                seen.append(state)
                self.kill_recovery(self.recover_in_child, refuse_links, len(seen) % 3, step=3)
            else:
                self.start_again(refuse_links)
            if not life.killed:
                break
        self.assertEqual(self.stored, {0, 1, 2, 3})
        self.assertGreater(first, 20)
        self.assertGreater(len(seen), 4)


@attrs.frozen
class Act:
    """Something that happens to a client: what, and how much of it."""

    what: str
    much: int


ACTS = st.builds(
    Act,
    st.sampled_from(
        (
            *("store", "store", "flush", "wait", "step", "finish", "update", "refuse"),
            *("replace", "take"),
        )
    ),
    st.integers(1, 5),
)
LIVES = st.lists(
    st.tuples(st.lists(ACTS, min_size=1, max_size=8), st.integers(-1, 60), st.integers(0, 220)),
    min_size=1,
    max_size=4,
)


@needs(Need.PROCESSES)
class RandomLivesTests(CrashCase):
    """
    Clients whose clocks jump, whose disks refuse and whose files somebody replaces, killed at any
    moment, one after the other.
    """

    def life(self, acts: list[Act], first: int) -> Callable[[Say], None]:
        numbers = iter(range(first, first + 1000))

        def do(posts: Storing, clock: Clock, act: Act) -> None:
            block = [next(numbers) for _ in range(act.much)]
            if act.what == "store":
                posts.store(block)
            elif act.what == "flush":
                posts.flush()
            elif act.what == "wait":
                clock.advance(act.much * 200)
            elif act.what == "step":
                clock.rightNow -= act.much * 300
            elif act.what == "finish":
                posts.archive.finish()
            elif act.what == "replace":
                for tmp in self.folder.glob("*.tmp"):
                    tmp.with_name("copy").write_bytes(tmp.read_bytes())
                    tmp.with_name("copy").rename(tmp)
            elif act.what == "take":
                slot = NAMING.slot(clock.seconds() + act.much // 3 * 600)
                with contextlib.suppress(FileExistsError):
                    (self.folder / NAMING.temporary(NAMING.final(slot))).touch(exist_ok=False)
            elif act.what == "update":
                posts.archive.flush()
                posts.archive.tally.accepted(posts.archive.tally.update(clock.seconds()))
            else:
                with file_size_limit(act.much * 100):
                    posts.store(block)
                    posts.flush()
            posts.look()

        def live(say: Say) -> None:
            folders, clock = folders_at(self.base, HALF_PAST)
            folders.begin()
            posts = Storing(folders.open(JOB), say)
            for act in acts:
                do(posts, clock, act)
            posts.close()

        return live

    def tear(self, size: int) -> None:
        """What is being written is torn: the process died within a write()."""
        for tmp in self.folder.glob("*.tmp"):
            if tmp.stat().st_nlink == 1:
                with tmp.open("ab") as file:
                    file.write(post(8888)[:size])
        with ledger_path(self.base, "test").open("ab") as file:
            file.write(b'{"at": "2015-12-02T20:30:00.000Z", "ki'[: size // 4])

    @settings(derandomize=True, deadline=None, database=None, max_examples=60)
    @given(LIVES)
    def test_nothing_is_lost_and_nothing_stands_twice(
        self, lives: list[tuple[list[Act], int, int]]
    ) -> None:
        """After each life, and at the end."""
        self.begin_afresh()
        for number, (acts, nth, torn) in enumerate(lives):
            life = self.live(nth, self.life(acts, number * 1000))
            if life.killed and torn:
                self.tear(torn)
            if torn % 2:
                self.start_again()
        self.start_again()
        folders, _ = folders_at(self.base, HALF_PAST)
        archive = folders.open(JOB)
        archive.close()
        self.assertEqual(archive.tally.total, 1000 + sum(self.lines_on_disk().values()))
        self.assertTrue((self.base / INDEX).exists())
