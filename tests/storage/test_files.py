"""The files that posts are written to: names, slots, and what a bad disk does to them."""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.bookings import File
from tcclient.ledger.entries import moment
from tcclient.runtime.threads import Threads, in_place
from tcclient.runtime.wallclock import Wall, WallClock
from tcclient.sources.registry import post_ids
from tcclient.storage.bookkeeper import RETRY, Bookkeeper
from tcclient.storage.diskuse import DiskUse, Place
from tcclient.storage.files import MOST_WAITING, RotatingFile
from tcclient.storage.finalname import give_final_name
from tcclient.storage.openfile import DOUBTFUL
from tcclient.storage.pausing import MOST_WAITING_FOR_DISK
from tcclient.storage.slots import Naming
from tcclient.storage.syncing import WARM
from tests.machine import Machine
from tests.storage.disk import (
    Acts,
    calls_noted,
    contents,
    file_size_limit,
    full,
    in_the_way,
    refuse_links,
)

HALF_PAST = datetime(1997, 10, 30, 12, 30, tzinfo=UTC).timestamp()
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"

DISK_FULL = OSError(errno.ENOSPC, "No space left on device")


class Book(Bookkeeper):
    """The account of the files, in memory; its disk refuses bookings where it is told to."""

    def __init__(self, path: Path, wall: Wall) -> None:
        self._wall = wall
        self.ledger: Any = SimpleNamespace(id="")
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT)
        self.files: list[File] = []
        self.posts = 0
        self.said: list[str] = []
        self.syncs: list[float] = []
        self.written = 0.0
        self.supply = None
        self.is_paused = False
        self.trouble: OSError | None = None
        self.threads: Threads = in_place
        self.at_booking: Callable[[], object] = lambda: None
        self.until: float | None = None

    def stored(self, posts: int) -> None:
        """Count the posts."""
        self.posts += posts

    def read_until(self) -> float:
        """Return what the test has set, by default now."""
        return self._wall() if self.until is None else self.until

    def book(self, file: File) -> None:
        """Take the file."""
        self.at_booking()
        self.files.append(file)

    async def booked(self) -> None:
        """Sync the bookings, or raise the trouble there is."""
        if self.trouble is not None:
            raise self.trouble
        await self.threads(lambda: os.fdatasync(self._fd))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def lost(
        self, posts: int, path: Path, status: os.stat_result, reason: str, beside: str
    ) -> None:
        """Note how many are lost, and why, which begins with the name of the file."""
        self.said.append(f"lost {posts}: {reason}")

    def too_large(self, size: int) -> None:
        """Note how large the post is."""
        self.said.append(f"too large: {size}")

    def names_told(self) -> list[str]:
        """None is known from before."""
        return []

    def name_taken(self, file: str, inode: int | None = None) -> None:
        """Note which name."""
        self.said.append(f"taken: {file}")

    def synced(self, until: float) -> None:
        """Note until when all is safe."""
        self.syncs.append(until)

    def troubled(self, reason: str) -> None:
        """Note why."""
        self.said.append(f"troubled: {reason}")

    def recovered(self) -> None:
        """Note it."""
        self.said.append("recovered")

    def pauseProducing(self) -> None:
        """Note that nothing more is to come."""
        self.is_paused = True

    def resumeProducing(self) -> None:
        """Note that posts may come."""
        self.is_paused = False


class FilesCase(SynchronousTestCase):
    """A rotating file in an empty place, at half past twelve."""

    naming = Naming("test", utc=True)

    use = DiskUse()

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(HALF_PAST)
        self.folder = Path(self.mktemp(), "test")
        self.book = Book(Path(self.mktemp()), self.clock.seconds)
        self.addCleanup(self.book.close)
        self.files = self.a_file()
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(self.files.finish)

    def a_file(self, naming: Naming | None = None) -> RotatingFile:
        clock = self.clock
        return self.file_by(clock, clock.seconds, self.folder, naming)

    def file_by(
        self, clock: Clock, wall: Wall, folder: Path, naming: Naming | None = None
    ) -> RotatingFile:
        place = Place(folder, naming or self.naming, clock, wall, self.use)
        return RotatingFile(place, self.book)

    @property
    def booked(self) -> list[tuple[str, int, int]]:
        """Name, lines and bytes of each finished file."""
        return [(file.name, file.posts, file.bytes) for file in self.book.files]

    def set_zone(self, zone: str) -> None:
        """The process's time zone, until the end of the test."""
        before = os.environ.get("TZ")

        def restore() -> None:
            if before is None:
                del os.environ["TZ"]
            else:
                os.environ["TZ"] = before
            time.tzset()

        os.environ["TZ"] = zone
        time.tzset()
        self.addCleanup(restore)

    def write(self, *posts: bytes) -> None:
        self.files.write(b"".join(post + b"\n" for post in posts), len(posts))

    def jump(self, seconds: float) -> None:
        """The clock is set; no timer has noticed yet."""
        self.clock.rightNow += seconds

    def put(self, name: str, content: bytes) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_bytes(content)
        return path

    def assert_files(self, **expected: bytes) -> None:
        """The files there are, by the part of the name that follows `test19971030_`."""
        self.assertEqual(
            contents(self.folder),
            {f"test19971030_{key[1:]}.json": content for key, content in expected.items()},
        )


class NameTests(FilesCase):
    def test_a_file_is_called_as_the_original_client_called_it(self) -> None:
        """Name, stamp and extension without separators; `.tmp` behind them while it is open."""
        self.write(b"a")
        self.assertEqual(contents(self.folder), {"test19971030_1230.json.tmp": b"a\n"})
        self.files.finish()
        self.assertEqual(contents(self.folder), {"test19971030_1230.json": b"a\n"})

    def test_the_stamp_is_local_time(self) -> None:
        """Half past twelve in London is half past one in Berlin."""
        self.set_zone(BERLIN)
        files = self.a_file(Naming("test"))
        files.write(b"a\n", 1)
        files.finish()
        self.assertEqual(list(contents(self.folder)), ["test19971030_1330.json"])

    def test_the_settings_of_the_output_are_honoured(self) -> None:
        """Extensions, time format and interval are those of the settings."""
        naming = Naming("my job", ".jsonl", ".part", 7, "-%H-%M", utc=True)
        files = self.a_file(naming)
        files.write(b"a\n", 1)
        self.assertEqual(list(contents(self.folder)), ["my job-12-28.jsonl.part"])
        files.finish()
        self.assertEqual(list(contents(self.folder)), ["my job-12-28.jsonl"])

    def test_files_are_readable_as_the_umask_says(self) -> None:
        """Others on the machine read the data while they are written: 0644 with umask 022."""
        self.addCleanup(os.umask, os.umask(0o022))
        self.write(b"a")
        self.assertEqual((self.folder / "test19971030_1230.json.tmp").stat().st_mode & 0o777, 0o644)


class SlotTests(FilesCase):
    def test_nothing_is_made_before_the_first_post(self) -> None:
        """A silent hour leaves no folder, no file and no timer."""
        self.clock.advance(3600)
        self.assertFalse(self.folder.exists())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_file_is_finished_by_the_clock(self) -> None:
        """At the end of the slot, not before it, and without any further post."""
        self.jump(123.4)
        self.write(b"a")
        self.clock.advance(599.9 - 123.4)
        self.assertEqual(list(contents(self.folder)), ["test19971030_1230.json.tmp"])
        self.clock.advance(0.1)
        self.assert_files(_1230=b"a\n")
        self.assertEqual(self.booked, [("test19971030_1230.json", 1, 2)])

    def test_no_empty_file_follows(self) -> None:
        """After a slot without posts there is no file of it."""
        self.write(b"a")
        self.clock.advance(1800)
        self.assert_files(_1230=b"a\n")

    def test_posts_of_a_slot_are_appended(self) -> None:
        """Each is in the file when write() returns; all are in one file."""
        self.write(b"a", b"b")
        self.clock.advance(300)
        self.write(b"c")
        self.assertEqual((self.folder / "test19971030_1230.json.tmp").read_bytes(), b"a\nb\nc\n")
        self.assertEqual(self.files.unfinished, 3)
        self.clock.advance(300)
        self.assertEqual(self.files.unfinished, 0)
        self.assertEqual(self.booked, [("test19971030_1230.json", 3, 6)])

    def test_a_post_of_the_next_slot_does_not_wait_for_the_timer(self) -> None:
        """The first post behind the border closes the old file, even where the timer is late."""
        self.write(b"a")
        self.jump(600)
        self.write(b"b")
        self.files.finish()
        self.assert_files(_1230=b"a\n", _1240=b"b\n")

    def test_the_clock_steps_back(self) -> None:
        """Each stretch of time gets a file of its own; none is overwritten."""
        self.write(b"a")
        self.jump(-600)
        self.write(b"b")
        self.jump(600)
        self.write(b"c")
        self.files.finish()
        self.assert_files(_1220=b"b\n", _1230=b"a\n", _1230_00=b"c\n")

    def test_the_hour_that_comes_twice(self) -> None:
        """When summer time ends, the second pass gets the suffix."""
        self.set_zone(BERLIN)
        self.jump(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp() - HALF_PAST)
        files = self.a_file(Naming("test"))
        files.write(b"summer\n", 1)
        self.clock.advance(3600)
        files.write(b"winter\n", 1)
        self.clock.advance(600)
        self.assertEqual(
            contents(self.folder),
            {"test20261025_0230.json": b"summer\n", "test20261025_0230_00.json": b"winter\n"},
        )

    def test_a_file_can_be_finished_within_its_slot(self) -> None:
        """What comes later in the slot goes into another file; finishing nothing does nothing."""
        self.write(b"a")
        self.files.finish()
        self.files.finish()
        self.write(b"b")
        self.files.finish()
        self.assert_files(_1230=b"a\n", _1230_00=b"b\n")


class ClashTests(FilesCase):
    def test_a_finished_file_is_never_touched(self) -> None:
        """It keeps its bytes; the new one gets _00."""
        self.put("test19971030_1230.json", b"old\n")
        self.write(b"new")
        self.files.finish()
        self.assert_files(_1230=b"old\n", _1230_00=b"new\n")

    def test_a_hundred_suffixes_are_not_the_end(self) -> None:
        """The original client stopped at _99 and lost the next; here _100 follows."""
        self.put("test19971030_1230.json", b"old\n")
        for number in range(99):
            self.put(f"test19971030_1230_{number:02d}.json", b"old\n")
        for post in (b"99", b"100"):
            self.write(post)
            self.files.finish()
        self.assertEqual(
            [name for name, _, _ in self.booked],
            ["test19971030_1230_99.json", "test19971030_1230_100.json"],
        )
        self.assertEqual(list(contents(self.folder).values()).count(b"old\n"), 100)

    def test_a_link_that_leads_nowhere_takes_its_name(self) -> None:
        """Data that were moved to an archive disk leave links, and that disk may be off."""
        self.folder.mkdir(parents=True)
        link = self.folder / "test19971030_1230.json"
        link.symlink_to(self.folder / "gone" / "test19971030_1230.json")
        self.write(b"a")
        self.files.finish()
        self.assertTrue(link.is_symlink())
        self.assert_files(_1230_00=b"a\n")


def replace(path: Path) -> None:
    """As `sed -i` does, and most editors: another file, with nearly the same content."""
    draft = path.with_name("draft")
    draft.write_bytes(path.read_bytes().replace(b"a", b"b"))
    draft.rename(path)


def make_folder(path: Path) -> None:
    """A folder where the file was, which is elsewhere."""
    path.rename(path.with_name("elsewhere"))
    path.mkdir()


def make_link(path: Path) -> None:
    """The file is elsewhere, and a link leads there."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def cut(path: Path) -> None:
    """Within the second post."""
    os.truncate(path, 3)


def empty(path: Path) -> None:
    """`: > file`."""
    path.write_bytes(b"")


def add(path: Path) -> None:
    """`echo mine >> file`."""
    with path.open("ab") as file:
        file.write(b"mine\n")


DISTURBANCES = {
    replace: "replaced",
    make_folder: "replaced",
    make_link: "replaced",
    cut: "cut",
    empty: "cut",
    add: "added to",
    Path.unlink: "removed",
}
"""What somebody else may do to the file that is being written, and what is said of it."""


class DisturbedTests(FilesCase):
    """Somebody else has, or takes, the name of the file: that is no trouble of the disk."""

    tmp = "test19971030_1230.json.tmp"

    def after(self, disturb: Callable[[Path], object]) -> dict[str, bytes]:
        """Two posts are written, and this happens; what is there then, but for what is ours."""
        self.setUp()
        self.write(b"aa", b"aa")
        disturb(self.folder / self.tmp)
        return contents(self.folder)

    def assert_left(self, before: dict[str, bytes]) -> None:
        """What was there is as it was; every post after it is in a finished file."""
        now = contents(self.folder)
        self.assertEqual({name: now.pop(name) for name in before}, before)
        self.assertEqual(b"".join(now.values()), b"c\nd\n")
        self.assertEqual([posts for _, posts, _ in self.booked], [2] if now else [])

    def test_what_follows_is_stored_at_once(self) -> None:
        """In another file; what there is is left alone, and it is said once."""
        for disturb, how in DISTURBANCES.items():
            before = self.after(disturb)
            self.write(b"c")
            self.assertEqual((self.files.waiting.posts, self.files.unfinished), (0, 1), how)
            self.write(b"d")
            self.files.finish()
            self.assert_left(before)
            self.assertEqual(self.book.said, [f"lost 2: {self.tmp} was {how} while it was written"])
            self.assertEqual((self.book.posts, self.book.is_paused), (4, False))

    def test_the_name_of_the_next_file(self) -> None:
        """Is that with the next suffix, also when the first one, which was lost, is free again."""
        self.after(replace)
        for post in (b"c", b"d"):
            self.write(post)
            self.assertTrue((self.folder / "test19971030_1230_00.json.tmp").exists())
            self.files.finish()
            (self.folder / "test19971030_1230_00.json").unlink()
        self.assertEqual(len(self.book.said), 1)
        (self.folder / self.tmp).unlink()
        self.write(b"e")
        self.files.finish()
        self.assert_files(_1230_00=b"e\n")

    def test_again_and_again(self) -> None:
        """Whatever name it has."""
        self.write(b"aa")
        for name in (self.tmp, "test19971030_1230_00.json.tmp", "test19971030_1230_01.json.tmp"):
            replace(self.folder / name)
            self.write(b"aa")
        self.files.finish()
        self.assertEqual(len(self.book.said), 3)
        self.assertEqual(self.booked, [("test19971030_1230_02.json", 1, 3)])

    def test_nothing_more_comes(self) -> None:
        """It is noticed with the next sync, or else when the file is finished, which it cannot."""
        for disturb, how in DISTURBANCES.items():
            for seconds in (2, 0):
                before = self.after(disturb)
                self.clock.advance(seconds)
                self.assertEqual(len(self.book.said), 1 if seconds else 0, how)
                self.successResultOf(self.files.finish())
                self.assertEqual(
                    self.book.said, [f"lost 2: {self.tmp} was {how} while it was written"]
                )
                self.assertEqual((self.booked, contents(self.folder)), ([], before))

    def test_a_name_that_is_taken_beforehand(self) -> None:
        """By a file, a folder, a link that leads nowhere: it is left alone, and said once."""
        takers: tuple[Callable[[Path], object], ...] = (
            lambda path: path.write_bytes(b"stale\n"),
            Path.mkdir,
            lambda path: path.symlink_to("nowhere"),
        )
        for take in takers:
            self.setUp()
            self.put("test19971030_1230_00.json", b"old\n")
            take(self.folder / self.tmp)
            before = contents(self.folder)
            self.write(b"c")
            self.write(b"d")
            self.assertIn("test19971030_1230_01.json.tmp", contents(self.folder))
            self.successResultOf(self.files.finish())
            self.assert_left(before)
            self.assertEqual(self.book.said, [f"taken: {self.tmp}"])

    def test_an_empty_file(self) -> None:
        """There is nothing to lose, and what stands in its place is not removed."""
        self.write(b"x")
        self.files.finish()
        with file_size_limit(1):
            self.write(b"cc")
        self.put(self.tmp + "2", b"mine\n").rename(self.folder / self.tmp)
        self.files.waiting.forget()
        self.files.finish()
        self.clock.advance(RETRY)
        self.assertEqual((self.folder / self.tmp).read_bytes(), b"mine\n")
        self.assertEqual([said for said in self.book.said if said.startswith("lost")], [])

    def test_few_calls(self) -> None:
        """Of the system, for each write."""
        self.write(b"a")
        with calls_noted("fstat", "stat", "writev") as calls:
            self.write(b"b")
        self.assertEqual(sorted(calls), ["fstat", "fstat", "stat", "writev"])


class SizeLimitTests(FilesCase):
    """No file may become larger than that: `ulimit -f`, or 4 GiB on vfat."""

    def test_the_next_file(self) -> None:
        """Takes what does not fit; the disk is in no trouble."""
        with file_size_limit(5):
            for post in (b"aa", b"b", b"cc", b"dddd", b"e"):
                self.write(post)
            self.successResultOf(self.files.finish())
        self.assert_files(_1230=b"aa\nb\n", _1230_00=b"cc\n", _1230_01=b"dddd\n", _1230_02=b"e\n")
        self.assertEqual([posts for _, posts, _ in self.booked], [2, 1, 1, 1])
        self.assertEqual((self.book.posts, self.book.said, self.book.is_paused), (5, [], False))

    def test_more_at_once_than_a_file_may_have(self) -> None:
        """It is divided between posts, which are whole and in order."""
        posts = [b"%03d" % number for number in range(50)]
        for blocks in (1, 7, 50):
            self.setUp()
            self.use = DiskUse(flush_interval=1.0)
            self.files = self.a_file()
            for first in range(0, 50, -(-50 // blocks)):
                self.write(*posts[first : first + -(-50 // blocks)])
            with file_size_limit(30):
                self.successResultOf(self.files.finish())
            names = [name for name, _, _ in self.booked]
            written = [(self.folder / name).read_bytes() for name in names]
            self.assertEqual(b"".join(written), b"\n".join([*posts, b""]))
            self.assertLessEqual(max(map(len, written)), 30)
            self.assertEqual((self.book.posts, self.book.said), (50, []))

    def test_a_post_that_is_larger(self) -> None:
        """Is said to be lost, as no file can take it; what comes behind it is stored."""
        with file_size_limit(3):
            self.write(b"a", b"bbbb", b"c")
            self.assertEqual((self.book.posts, self.files.waiting.posts), (2, 0))
            self.files.finish()
        self.assertEqual(b"".join(contents(self.folder).values()), b"a\nc\n")
        self.assertEqual(self.book.said, ["too large: 5"])

    def test_a_slot_that_ends_and_a_sync_that_fails(self) -> None:
        """While the file that is full is finished: all the same to what follows."""
        acts = Acts()
        self.use = DiskUse(threads=acts)
        self.files = self.a_file()
        with file_size_limit(3):
            self.write(b"aa")
            self.clock.advance(2)
            self.write(b"bb")
            self.jump(600)
            self.files.look_at_slot()
            acts.do(OSError(errno.EIO, "Input/output error"))
            self.clock.advance(RETRY)
            acts.do_all()
            self.clock.advance(RETRY)
            acts.do_all()
            self.files.finish()
            acts.do_all()
        self.assert_files(_1230=b"aa\n", _1230_00=b"bb\n")


class FlushTests(FilesCase):
    """What may wait, and for how long."""

    use = DiskUse(flush_interval=0.1)

    def on_disk(self) -> bytes:
        """What is in the file that has no final name yet."""
        return b"".join(contents(self.folder).values()) if self.folder.exists() else b""

    def more_comes(self, posts: int, apart: float = 0.0) -> list[str]:
        """With each turn of the reactor.  What writes there are, until nothing waits."""
        left = iter(range(posts))

        def turn() -> None:
            for number in left:
                self.clock.rightNow += apart
                self.write(b"%d" % number)
                self.clock.callLater(0, turn)
                break

        with calls_noted("writev") as calls:
            turn()
            self.assertEqual((self.files.waiting.posts, self.book.posts), (1, 0))
            self.clock.advance(0)
        self.assertEqual((self.files.waiting.posts, self.book.posts), (0, posts))
        self.assertEqual(self.on_disk(), b"".join(b"%d\n" % number for number in range(posts)))
        return calls

    def test_posts_wait_for_each_other(self) -> None:
        """As long as more comes, and are not counted before they are in the file."""
        self.assertEqual(self.more_comes(20), ["writev"])

    def test_posts_do_not_wait_for_ever(self) -> None:
        """Whatever comes, the first of them is written after flush_interval."""
        self.assertEqual(self.more_comes(20, apart=0.03), ["writev"] * 4)

    def test_one_call_writes_all_that_waits(self) -> None:
        """However many reads it came in."""
        for number in range(3000):
            self.write(b"%d" % number)
        with calls_noted("write", "writev") as calls:
            self.files.flush()
        self.assertEqual(calls, ["writev"])
        self.assertEqual(self.on_disk(), b"".join(b"%d\n" % number for number in range(3000)))

    def test_no_interval(self) -> None:
        """Each read is written before write() returns."""
        self.use = DiskUse(flush_interval=0)
        files = self.a_file()
        files.write(b"a\n", 1)
        self.assertEqual((self.on_disk(), self.book.posts), (b"a\n", 1))
        files.finish()

    def test_much_is_written_at_once(self) -> None:
        """Memory is bounded, whatever the interval."""
        block = b"x" * (MOST_WAITING // 2 - 1) + b"\n"
        self.files.write(block, 1)
        self.assertEqual(self.files.waiting.posts, 1)
        self.files.write(block, 1)
        self.assertEqual((self.on_disk(), self.book.posts), (block * 2, 2))

    def test_nothing_is_due_for_what_has_been_written(self) -> None:
        """The process does not wake for it."""
        self.write(b"a")
        self.assertEqual(self.clock.getDelayedCalls()[0].getTime(), self.clock.seconds())
        self.files.flush()
        for call in self.clock.getDelayedCalls():
            self.assertGreater(call.getTime(), self.clock.seconds())
        self.assertEqual((self.on_disk(), self.book.posts), (b"a\n", 1))

    def test_when_asked(self) -> None:
        """Before a count is reported."""
        self.write(b"a")
        self.files.flush()
        self.assertEqual((self.on_disk(), self.book.posts), (b"a\n", 1))

    def test_what_waits_belongs_to_the_slot_of_its_arrival(self) -> None:
        """It is written before the slot's file is finished, be it the clock or a later post."""
        self.jump(599.95)
        self.write(b"a")
        self.clock.advance(0.06)
        self.write(b"b")
        self.jump(600)
        self.write(b"c")
        self.files.finish()
        self.assert_files(_1230=b"a\n", _1240=b"b\n", _1250=b"c\n")


class FinishedTests(FilesCase):
    """What is said of a finished file."""

    use = DiskUse(ids=post_ids())

    def finished(self, *posts: bytes) -> File:
        """A file with these, five seconds between them."""
        for post in posts:
            self.write(post)
            self.clock.advance(5)
        self.files.finish()
        return self.book.files[-1]

    def test_the_hash_is_that_of_its_bytes(self) -> None:
        """They were hashed as they were written; a block that was refused is not in it."""
        self.write(b"a")
        with full(self.folder / "test19971030_1230.json.tmp", room=3):
            self.write(b"caf\xc3\xa9")
        file = self.finished(b"b")
        content = (self.folder / file.name).read_bytes()
        self.assertEqual(content, b"a\ncaf\xc3\xa9\nb\n")
        self.assertEqual(file.sha256, hashlib.sha256(content).hexdigest())

    def test_first_and_last(self) -> None:
        """Ids as the two APIs write them, and the times of their arrival."""
        for posts, ids in (
            ((b'{"id_str":"1"}', b'{"id_str":"2"}', b'{"id_str":"3"}'), ("1", "3")),
            ((b'{"data":{"id":"4"}}', b'{"data":{"id":"5"}}'), ("4", "5")),
            ((b'{"data":{"text":"\\ud83d","id":"6"}}',), ("6", "6")),
            ((b"not JSON", b'{"id_str":7}'), (None, None)),
        ):
            begin = self.clock.seconds()
            file = self.finished(*posts)
            self.assertEqual((file.first_id, file.last_id), ids)
            self.assertEqual(file.first_arrival, moment(begin))
            self.assertEqual(file.last_arrival, moment(begin + 5 * (len(posts) - 1)))

    def test_posts_that_came_together(self) -> None:
        """The first and the last line of one block."""
        self.write(b'{"id_str":"1"}', b'{"id_str":"2"}', b'{"id_str":"3"}')
        file = self.finished()
        self.assertEqual((file.first_id, file.last_id), ("1", "3"))


class BadDiskTests(FilesCase):
    tmp = "test19971030_1230.json.tmp"

    def test_a_block_that_does_not_fit_is_written_later(self) -> None:
        """Half of it had been written; the file is as it was until the whole has room."""
        self.write(b"a")
        with full(self.folder / self.tmp, room=10):
            self.write(b"0123456789abcdef")
            self.clock.advance(RETRY)
        self.assertEqual((self.folder / self.tmp).read_bytes(), b"a\n")
        self.assertEqual(
            (self.files.unfinished, self.files.waiting.posts, self.book.posts), (1, 1, 1)
        )
        self.write(b"b")
        self.assertEqual(self.book.posts, 1)
        self.clock.advance(RETRY)
        self.assertEqual(self.book.posts, 3)
        self.assertEqual(
            self.book.said,
            ["troubled: No space left on device", "recovered"],
        )
        self.files.finish()
        self.assert_files(_1230=b"a\n0123456789abcdef\nb\n")
        self.assertEqual(self.booked, [("test19971030_1230.json", 3, 21)])

    def test_a_crash_while_not_all_had_been_read(self) -> None:
        """
        The time of the file says until when all was, and nothing while it is written: that may take
        as long as it likes.
        """
        tmp = self.folder / self.tmp
        self.write(b"a")
        self.assertEqual(tmp.stat().st_mtime, HALF_PAST)
        self.book.until = 1_000_000.5
        writev, seen = os.writev, []

        def looked_at(fd: int, blocks: Sequence[bytes]) -> int:
            seen.append(os.fstat(fd).st_atime_ns)
            return writev(fd, blocks)

        os.writev = looked_at
        self.addCleanup(setattr, os, "writev", writev)
        self.write(b"b")
        self.assertEqual(seen, [DOUBTFUL])
        self.assertEqual((tmp.stat().st_mtime, tmp.stat().st_atime), (1_000_000.5,) * 2)
        with full(tmp):
            self.book.until = None
            self.write(b"c")
            self.assertEqual(tmp.stat().st_mtime, 1_000_000.5)

    def test_posts_keep_their_slots(self) -> None:
        """Whenever the disk takes them."""
        self.write(b"a")
        with full(self.folder / self.tmp):
            self.write(b"b")
            self.clock.advance(599)
            self.write(b"c")
            self.clock.advance(1)
            self.write(b"d")
        self.clock.advance(RETRY)
        self.files.finish()
        self.assert_files(_1230=b"a\nb\nc\n", _1240=b"d\n")

    def test_what_cannot_be_finished_is_tried_again(self) -> None:
        """Every RETRY seconds, until its booking is on the disk; it is booked once."""
        self.write(b"a")
        self.book.trouble = DISK_FULL
        self.clock.advance(600)
        self.assertEqual(self.files.unfinished, 0)
        self.clock.advance(RETRY)
        self.assertIn(self.tmp, contents(self.folder))
        self.book.trouble = None
        self.assertIn(self.tmp, contents(self.folder))
        self.clock.advance(RETRY)
        self.assert_files(_1230=b"a\n")
        self.assertEqual(self.booked, [("test19971030_1230.json", 1, 2)])

    def test_a_post_behind_a_file_that_cannot_be_finished_waits(self) -> None:
        """When the disk has recovered, both slots have their files."""
        self.write(b"a")
        self.book.trouble = DISK_FULL
        self.jump(600)
        self.write(b"b")
        self.assertEqual((self.files.unfinished, self.files.waiting.posts), (0, 1))
        self.book.trouble = None
        self.write(b"c")
        self.files.finish()
        self.assert_files(_1230=b"a\n", _1240=b"b\nc\n")

    def test_who_waits_for_the_end_waits_for_the_disk(self) -> None:
        """finish() fires when everything has its final name, and not before."""
        self.write(b"a")
        self.book.trouble = DISK_FULL
        finished = self.files.finish()
        self.write(b"b")
        self.clock.advance(60 * RETRY)
        self.assertNoResult(finished)
        self.book.trouble = None
        self.clock.advance(RETRY)
        self.successResultOf(finished)
        self.assert_files(_1230=b"a\n", _1230_00=b"b\n")
        self.assertEqual(
            self.booked, [("test19971030_1230.json", 1, 2), ("test19971030_1230_00.json", 1, 2)]
        )

    def test_who_does_not_wait_any_more(self) -> None:
        """The file is finished all the same."""
        self.write(b"a")
        self.book.trouble = DISK_FULL
        finished = self.files.finish()
        finished.cancel()
        self.failureResultOf(finished, CancelledError)
        self.book.trouble = None
        self.clock.advance(600 + RETRY)
        self.assert_files(_1230=b"a\n")

    def test_nothing_more_is_taken_meanwhile(self) -> None:
        """Memory is bounded; what had been read already is kept."""
        self.write(b"a")
        self.assertFalse(self.book.is_paused)
        with full(self.folder / self.tmp):
            self.write(b"b")
            self.assertTrue(self.book.is_paused)
            self.write(b"c")
            self.clock.advance(RETRY)
            self.assertTrue(self.book.is_paused)
        self.clock.advance(RETRY)
        self.assertFalse(self.book.is_paused)
        self.files.finish()
        self.assert_files(_1230=b"a\nb\nc\n")

    def test_too_little_room(self) -> None:
        """Nothing is written before there is more; files are finished all the same."""
        room = 1000
        self.use = DiskUse(min_free_bytes=1000, free=lambda folder: room)
        files = self.a_file()
        files.write(b"a\n", 1)
        files.write(b"b\n", 1)
        room = 999
        files.write(b"c\n", 1)
        self.assertEqual((self.book.posts, self.book.is_paused), (2, True))
        self.clock.advance(60)
        self.assertEqual(files.waiting.posts, 1)
        room = 1000
        self.clock.advance(RETRY)
        self.assertEqual((self.book.posts, self.book.is_paused), (3, False))
        self.assertEqual(
            self.book.said,
            ["troubled: less than 1000 bytes are free (output.min_free_bytes)", "recovered"],
        )
        files.finish()
        self.assert_files(_1230=b"a\nb\nc\n")

    def test_a_folder_that_was_removed_or_moved(self) -> None:
        """It is made again; what was in the file is lost, what waits and what follows is not."""
        for takes_away in (shutil.rmtree, lambda path: path.rename(path.with_name("moved"))):
            self.setUp()
            self.write(b"a", b"b")
            takes_away(self.folder)
            self.write(b"c")
            self.assertEqual(
                self.book.said, [f"lost 2: {self.tmp} was removed while it was written"]
            )
            self.assertEqual(self.files.unfinished, 1)
            self.files.finish()
            self.assert_files(_1230_00=b"c\n")
            shutil.rmtree(self.folder)

    def test_giving_up(self) -> None:
        """How many posts are in no file; they are forgotten."""
        self.write(b"a")
        with full(self.folder / self.tmp):
            self.write(b"b", b"c")
            self.assertEqual(self.files.waiting.forget(), 2)
        self.assertEqual(self.files.waiting.forget(), 0)
        self.files.finish()
        self.assert_files(_1230=b"a\n")

    def test_a_file_that_was_removed_does_not_stop_the_next(self) -> None:
        """Somebody cleans up while we write: what they removed is lost, what follows is not."""
        self.write(b"a")
        (self.folder / self.tmp).unlink()
        self.clock.advance(600)
        self.write(b"b")
        self.clock.advance(600)
        self.assert_files(_1240=b"b\n")
        self.assertEqual(self.booked, [("test19971030_1240.json", 1, 2)])
        self.assertEqual(self.book.said, [f"lost 1: {self.tmp} was removed while it was written"])

    def test_no_descriptor_is_left_open(self) -> None:
        """Not by a file that was finished or synced, nor by one that was removed."""
        before = list(Path("/proc/self/fd").iterdir())
        self.write(b"a")
        self.clock.advance(2)
        self.files.finish()
        self.write(b"c")
        (self.folder / self.tmp).unlink()
        self.files.finish()
        self.assertEqual(list(Path("/proc/self/fd").iterdir()), before)


class SyncTests(FilesCase):
    """What is written is synced aside, one at a time, and what is not is not finished."""

    def setUp(self) -> None:
        self.acts = Acts()
        self.use = DiskUse(fsync_interval=2.0, threads=self.acts)
        super().setUp()
        self.book.threads = self.acts
        self.addCleanup(self.acts.do_all)
        self.addCleanup(self.files.finish)

    def test_in_time(self) -> None:
        """fsync_interval after the first write: the file, and after it its new name, once."""
        self.write(b"a")
        self.clock.advance(1.9)
        self.write(b"b")
        self.assertEqual(self.acts.waiting, [])
        self.clock.advance(0.1)
        with calls_noted("fdatasync", "fsync") as calls:
            self.acts.do_all()
        self.assertEqual(calls, ["fdatasync", "fsync"])
        self.write(b"c")
        self.clock.advance(2.0)
        with calls_noted("fdatasync", "fsync") as calls:
            self.acts.do_all()
        self.assertEqual(calls, ["fdatasync"])

    def test_posts_that_had_waited_to_be_read(self) -> None:
        """They may be as old as that, also while they wait for the disk."""
        self.write(b"a")
        with full(self.folder / "test19971030_1230.json.tmp"):
            self.book.until = HALF_PAST - 5.0
            self.write(b"b")
            self.book.until = None
            self.write(b"c")
            self.assertEqual(self.files.waiting.since, HALF_PAST - 5.0)
        self.clock.advance(RETRY)
        self.assertIsNone(self.files.waiting.since)

    def test_a_crash_while_posts_wait_for_a_later_file(self) -> None:
        """The time of the one before says until when all that came is on the disk."""
        self.write(b"a")
        tmp = self.folder / "test19971030_1230.json.tmp"
        with full(tmp):
            self.write(b"b")
            self.clock.advance(600)
            self.write(b"c")
            arrived = self.clock.seconds()
            self.clock.advance(5)
        self.clock.advance(RETRY)
        self.assertEqual(tmp.read_bytes(), b"a\nb\n")
        self.assertEqual(tmp.stat().st_mtime, arrived)

    def test_the_owner_is_told(self) -> None:
        """What was in files when a sync began is safe when it ends; not what came meanwhile."""
        self.write(b"a")
        self.book.written = 1000.0
        self.assertFalse(self.files.is_synced)
        self.clock.advance(2.0)
        self.book.written = 1001.0
        self.assertEqual(self.book.syncs, [])
        self.assertFalse(self.files.is_synced)
        self.acts.do_all()
        self.assertEqual(self.book.syncs, [1000.0])
        self.assertTrue(self.files.is_synced)

    def test_what_stays_in_memory(self) -> None:
        """The end of an open file; each byte is given back once, and not before a sync."""
        forgotten: list[tuple[int, int]] = []
        self.patch(os, "posix_fadvise", lambda fd, *span: forgotten.append(span[:2]))
        block = b"x" * (WARM - 1) + b"\n"
        for blocks, spans in (
            (1, []),
            (1, [(0, WARM)]),
            (3, [(0, WARM), (WARM, 3 * WARM)]),
            (0, [(0, WARM), (WARM, 3 * WARM)]),
        ):
            before = list(forgotten)
            for _ in range(blocks):
                self.files.write(block, 1)
            self.clock.advance(2.0)
            self.assertEqual(forgotten, before)
            self.acts.do_all()
            self.assertEqual(forgotten, spans)
        self.write(b"x")
        self.files.finish()
        self.acts.do_all()
        self.assertEqual(forgotten[2:], [(4 * WARM, WARM + 2)])

    def test_memory_that_cannot_be_given_back(self) -> None:
        """Is kept; nothing else comes of it."""

        def refuse(fd: int, *span: int) -> None:
            raise OSError(errno.EINVAL, "Invalid argument")

        self.patch(os, "posix_fadvise", refuse)
        self.files.write(b"x" * 2 * WARM + b"\n", 1)
        self.clock.advance(2.0)
        self.acts.do_all()
        self.assertEqual((self.book.said, self.files.is_synced), ([], True))

    def test_nothing_new(self) -> None:
        """Is not synced again."""
        self.write(b"a")
        self.clock.advance(2.0)
        self.acts.do_all()
        self.clock.advance(100)
        self.assertEqual(self.acts.waiting, [])

    def test_written_while_a_sync_is_under_way(self) -> None:
        """Is synced by the next one, which begins when this one has ended."""
        self.write(b"a")
        self.clock.advance(2.0)
        self.write(b"b")
        self.clock.advance(100)
        self.assertEqual(len(self.acts.waiting), 1)
        self.acts.do_all()
        self.clock.advance(2.0)
        self.assertEqual(len(self.acts.waiting), 1)

    def test_a_disk_that_does_not_answer(self) -> None:
        """Is not asked a second time; writing goes on, and so does the buffer at the slot's end."""
        self.write(b"a")
        self.clock.advance(2.0)
        self.write(b"b")
        self.clock.advance(598)
        self.write(b"c")
        self.clock.advance(10)
        self.assertEqual(len(self.acts.waiting), 1)
        self.assertEqual((self.book.posts, self.files.waiting.posts, self.booked), (2, 1, []))
        self.assertEqual(
            (self.book.said, self.book.is_paused),
            (["troubled: it has not answered for 10 s"], True),
        )
        self.acts.do_all()
        self.assertEqual((self.book.said[1:], self.book.is_paused), (["recovered"], False))
        self.assertEqual((self.book.posts, self.files.waiting.posts), (3, 0))
        self.assertEqual(self.booked, [("test19971030_1230.json", 2, 4)])

    def test_a_disk_that_is_slower_than_the_posts(self) -> None:
        """The next posts wait while a file is being finished, MOST_WAITING_FOR_DISK at the most."""
        self.write(b"a")
        self.clock.advance(600)
        block = b"x" * (MOST_WAITING_FOR_DISK // 2) + b"\n"
        self.files.write(block, 1)
        self.assertFalse(self.book.is_paused)
        self.files.write(block, 1)
        self.assertTrue(self.book.is_paused)
        self.acts.do_all()
        self.assertEqual((self.book.is_paused, self.book.posts, self.book.said), (False, 3, []))

    def test_a_disk_that_stands_still_when_too_much_waits(self) -> None:
        """The posts, which are paused already, stay so until it has taken all of them."""
        self.write(b"a")
        self.clock.advance(600)
        self.files.write(b"x" * MOST_WAITING_FOR_DISK + b"\n", 1)
        self.assertTrue(self.book.is_paused)
        self.clock.advance(10)
        self.assertEqual(self.book.said, ["troubled: it has not answered for 10 s"])
        self.assertTrue(self.book.is_paused)
        self.acts.do_all()
        self.assertEqual((self.book.said[1:], self.book.is_paused), (["recovered"], False))
        self.assertEqual((self.book.posts, self.files.waiting.posts), (2, 0))

    def test_finishing_waits_for_the_sync(self) -> None:
        """There is no final name before the data are safe, and no end before the name is."""
        self.write(b"a")
        finished = self.files.finish()
        self.assertEqual(list(contents(self.folder)), ["test19971030_1230.json.tmp"])
        self.acts.do()
        self.assertEqual((len(self.booked), self.files.unfinished), (1, 0))
        self.assertIn("test19971030_1230.json.tmp", contents(self.folder))
        self.acts.do()
        self.assert_files(_1230=b"a\n")
        self.assertNoResult(finished)
        self.acts.do()
        self.successResultOf(finished)

    def test_a_booking_that_cannot_be_synced(self) -> None:
        """It stands, once; what comes before it is safe is for another file."""
        self.write(b"a")
        finished = self.files.finish()
        self.acts.do()
        self.acts.do(OSError(errno.EIO, "Input/output error"))
        self.assertIn("test19971030_1230.json.tmp", contents(self.folder))
        self.write(b"b")
        self.clock.advance(RETRY)
        self.acts.do_all()
        self.successResultOf(finished)
        self.assertEqual(
            self.booked, [("test19971030_1230.json", 1, 2), ("test19971030_1230_00.json", 1, 2)]
        )
        self.assert_files(_1230=b"a\n", _1230_00=b"b\n")

    def test_a_folder_that_is_removed_behind_the_booking(self) -> None:
        """There is nothing left to do for that file, and the next one is stored."""
        self.write(b"a")
        finished = self.files.finish()
        self.acts.do()
        shutil.rmtree(self.folder)
        self.acts.do_all()
        self.successResultOf(finished)
        self.write(b"b")
        self.files.finish()
        self.acts.do_all()
        self.assert_files(_1230=b"b\n")

    def test_a_sync_that_fails(self) -> None:
        """Is trouble until one succeeds; the file is not finished before."""
        self.write(b"a")
        self.clock.advance(2.0)
        self.acts.do(OSError(errno.EIO, "Input/output error"))
        finished = self.files.finish()
        self.acts.do(OSError(errno.EIO, "Input/output error"))
        self.assertNoResult(finished)
        self.assertEqual(self.booked, [])
        self.clock.advance(RETRY)
        self.acts.do_all()
        self.successResultOf(finished)
        self.assertEqual(self.book.said, ["troubled: Input/output error", "recovered"])

    def test_a_slot_that_ends_while_its_file_is_in_doubt(self) -> None:
        """All of it is synced again, and then the file is finished."""
        self.jump(597.5)
        self.write(b"a")
        self.clock.advance(2.0)
        self.acts.do(DISK_FULL)
        self.clock.advance(0.5)
        self.assertEqual((len(self.acts.waiting), self.booked), (1, []))
        self.write(b"b")
        self.files.look_at_slot()
        self.acts.do_all()
        self.assertEqual(self.booked, [("test19971030_1230.json", 1, 2)])
        self.assertEqual(self.book.said[1:], ["recovered"])
        self.assertEqual(self.files.unfinished, 1)

    def test_a_folder_that_cannot_be_looked_into(self) -> None:
        """The file is synced all the same, with the next attempt."""
        self.write(b"a")
        self.acts.do_all()
        with in_the_way(self.folder):
            self.clock.advance(2.0)
            self.assertEqual(len(self.book.said), 1)
            self.clock.advance(RETRY)
        self.acts.do_all()
        self.assertTrue(self.files.is_synced)
        self.assertEqual(self.book.said[1:], ["recovered"])

    def test_a_name_that_cannot_be_synced(self) -> None:
        """It is synced again with the file, once, before the file counts as safe."""
        self.write(b"a")
        self.clock.advance(2.0)
        with calls_noted("fdatasync", "fsync") as calls:
            self.acts.do()
            self.acts.do(OSError(errno.EIO, "Input/output error"))
            self.clock.advance(RETRY)
            self.acts.do()
            self.assertFalse(self.files.is_synced)
            self.acts.do_all()
            self.assertTrue(self.files.is_synced)
        self.assertEqual(calls, ["fdatasync", "fsync"] * 2)
        self.write(b"b")
        self.clock.advance(2.0)
        with calls_noted("fdatasync", "fsync") as calls:
            self.acts.do_all()
        self.assertEqual(calls, ["fdatasync"])

    def test_more_comes_while_a_file_is_in_doubt(self) -> None:
        """It is appended after the next sync, which is the last one that the first post needs."""
        self.write(b"a")
        self.clock.advance(2.0)
        self.acts.do(DISK_FULL)
        self.write(b"b")
        self.clock.advance(RETRY)
        for _ in range(2):  # the file and its name
            self.assertEqual((self.files.is_synced, self.files.waiting.posts), (False, 1))
            self.acts.do()
        self.assertEqual((self.files.is_synced, self.files.waiting.posts), (False, 0))
        self.clock.advance(2.0)
        self.acts.do_all()
        self.assertTrue(self.files.is_synced)
        self.assertEqual(self.book.syncs, [0.0])

    def test_a_sync_that_fails_while_the_file_is_finished(self) -> None:
        """Whatever of it fails, the file has been synced since, and is booked once."""
        for done in (0, 2):
            self.setUp()
            self.write(b"a")
            self.clock.advance(2.0)
            finished = self.files.finish()
            for _ in range(done):
                self.acts.do()
            self.assertEqual(len(self.booked), done // 2)
            self.acts.do(DISK_FULL)
            self.files.look_at_slot()
            self.clock.advance(600)
            self.acts.do_all()
            self.successResultOf(finished)
            self.assertEqual(self.booked, [("test19971030_1230.json", 1, 2)])
            self.assertEqual(self.book.said[1:], ["recovered"])


class DurabilityTests(FilesCase):
    def test_the_data_are_on_the_disk_before_the_name_and_the_name_before_the_return(self) -> None:
        """A power cut leaves the temporary name or a whole file, and its booking is synced too."""
        self.write(b"a")
        with calls_noted("fdatasync", "fsync", "link", "unlink") as calls:
            self.files.finish()
        self.assertEqual(calls, ["fdatasync", "link", "fdatasync", "unlink", "fsync"])

    def test_the_booking_is_made_while_both_names_stand(self) -> None:
        """So that one who finds the temporary name knows that a booking may be missing."""
        seen: list[list[str]] = []
        self.book.at_booking = lambda: seen.append(list(contents(self.folder)))
        self.write(b"a")
        self.files.finish()
        self.assertEqual(seen, [["test19971030_1230.json", "test19971030_1230.json.tmp"]])


class FinalNameTests(FilesCase):
    """give_final_name() alone, where the system refuses something."""

    def setUp(self) -> None:
        super().setUp()
        self.tmp = self.put("test19971030_1230.json.tmp", b"a\n")
        self.named: list[str] = []

    def names(self) -> Iterator[str]:
        return self.naming.alternatives("test19971030_1230.json")

    def test_a_file_system_without_links(self) -> None:
        """Whichever way it says so, the file is renamed."""
        codes = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
        for code in codes:
            tmp = self.put("test19971030_1230.json.tmp", str(code).encode())

            def link(source: Path, target: Path, code: int = code) -> None:
                raise OSError(code, os.strerror(code))

            give_final_name(tmp, self.names(), self.named.append, link)
            self.assertEqual((self.folder / self.named[-1]).read_bytes(), str(code).encode())
        self.assertEqual(len(set(self.named)), len(codes))
        self.assertEqual(sorted(contents(self.folder)), sorted(self.named))

    def test_without_links_a_finished_file_is_never_touched(self) -> None:
        """Its name is taken, and so are those of a folder and of a link that leads nowhere."""
        self.put("test19971030_1230.json", b"old\n")
        (self.folder / "test19971030_1230_00.json").symlink_to("gone")
        (self.folder / "test19971030_1230_01.json").mkdir()
        give_final_name(self.tmp, self.names(), self.named.append, refuse_links)
        self.assert_files(_1230=b"old\n", _1230_02=b"a\n")
        self.assertTrue((self.folder / "test19971030_1230_00.json").is_symlink())

    def test_without_links_the_name_is_reserved_before_the_booking(self) -> None:
        """The booking stands before anything is moved; what is booked cannot be taken by others."""
        seen: list[dict[str, bytes]] = []
        give_final_name(
            self.tmp, self.names(), lambda name: seen.append(contents(self.folder)), refuse_links
        )
        self.assertEqual(
            seen, [{"test19971030_1230.json": b"", "test19971030_1230.json.tmp": b"a\n"}]
        )

    def test_another_refusal_is_an_error(self) -> None:
        """It says nothing about links: the file stays, under its temporary name only."""
        for code in (errno.EIO, errno.EACCES, errno.ENOSPC, errno.EROFS):

            def link(source: Path, target: Path, code: int = code) -> None:
                raise OSError(code, os.strerror(code))

            error = self.assertRaises(
                OSError, give_final_name, self.tmp, self.names(), self.named.append, link
            )
            self.assertEqual(error.errno, code)
        self.assertEqual(contents(self.folder), {"test19971030_1230.json.tmp": b"a\n"})
        self.assertEqual(self.named, [])

    def test_a_refused_booking_can_be_repeated(self) -> None:
        """With links or without, the second attempt finds the name which the first had taken."""

        def refuse(name: str) -> None:
            raise DISK_FULL

        for link in (os.link, refuse_links):
            tmp = self.put("test19971030_1230.json.tmp", b"a\n")
            self.assertRaises(OSError, give_final_name, tmp, self.names(), refuse, link)
            give_final_name(tmp, self.names(), self.named.append, link)
        self.assert_files(_1230=b"a\n", _1230_00=b"a\n")
        self.assertEqual(self.named, ["test19971030_1230.json", "test19971030_1230_00.json"])


class ClockSetTests(FilesCase):
    """The machine's clock is set while a file is open."""

    def set(self, seconds: float) -> None:
        """The clock is set; timers keep the time they have left, and the file is told."""
        for call in self.clock.getDelayedCalls():
            call.delay(seconds)
        self.clock.rightNow += seconds
        self.files.look_at_slot()

    def test_within_the_slot(self) -> None:
        """The file is finished when the clock shows the end of the slot."""
        for seconds in (240, -180):
            self.clock.advance(60)
            self.files.write(b"post\n", 1)
            self.set(seconds)
            self.assertEqual(self.booked, [])
        self.clock.advance(7 * 60 - 1)
        self.assertEqual(self.booked, [])
        self.clock.advance(1)
        self.assertEqual(self.booked, [("test19971030_1230.json", 2, 10)])

    def test_beyond_the_slot(self) -> None:
        """It is finished at once, and what comes then is in the slot of its new time."""
        self.files.write(b"first\n", 1)
        self.set(3600)
        self.assertEqual([name for name, _, _ in self.booked], ["test19971030_1230.json"])
        self.files.write(b"second\n", 1)
        self.clock.advance(600)
        self.assertEqual(
            contents(self.folder),
            {"test19971030_1230.json": b"first\n", "test19971030_1330.json": b"second\n"},
        )

    def test_a_timer_that_rings_early(self) -> None:
        """A clock was set back a little, which nobody is told of: the file has all its slot."""
        behind = [0.0]
        self.files = self.file_by(self.clock, lambda: self.clock.seconds() - behind[0], self.folder)
        self.files.write(b"first\n", 1)
        self.clock.advance(1)
        behind[0] = 0.5
        self.clock.advance(599)
        self.files.write(b"second\n", 1)
        self.clock.advance(0)
        self.assertEqual(self.booked, [])
        self.clock.advance(0.5)
        self.assertEqual(self.booked, [("test19971030_1230.json", 2, 13)])

    def test_noticed_at_any_reading_of_the_date(self) -> None:
        """Whatever asks for it when a step is noticed: each post is in the file of its hour."""
        for nth, posts in ((2, [3]), (3, [1, 2]), (4, [1, 2]), (5, [2, 1])):
            self.assertEqual(self.posts_of_hours(nth), posts, nth)

    def posts_of_hours(self, nth: int) -> list[int]:
        """
        Return how many of three posts are in each file, the oldest first, where the clock is set by
        an hour between the reading of the date before the `nth` and that one.
        """
        machine, folder, readings = Machine(), self.folder / str(nth), count(1)

        def show() -> float:
            if next(readings) == nth:
                machine.set(3600)
            return machine.shows()

        clock, wall = machine.steady, WallClock(machine.steady, show)
        files = self.file_by(clock, wall, folder)
        wall.on_step(lambda _: files.look_at_slot())
        for _ in range(3):
            files.write(b"post\n", 1)
            clock.pump([0, 0])
        self.successResultOf(files.finish())
        self.assertEqual(clock.getDelayedCalls(), [])
        return [whole.count(b"post") for _, whole in sorted(contents(folder).items())]

    def test_back_into_a_slot_that_has_been(self) -> None:
        """Finished files stay as they are, whichever way it goes."""
        self.files.write(b"first\n", 1)
        self.set(3600)
        self.files.write(b"second\n", 1)
        self.set(-3600)
        self.files.write(b"third\n", 1)
        self.set(3600)
        self.files.write(b"fourth\n", 1)
        self.clock.advance(600)
        self.assertEqual(
            contents(self.folder),
            {
                "test19971030_1230.json": b"first\n",
                "test19971030_1330.json": b"second\n",
                "test19971030_1230_00.json": b"third\n",
                "test19971030_1330_00.json": b"fourth\n",
            },
        )

    def test_no_file_is_open(self) -> None:
        """Nothing is done."""
        self.set(3600)
        self.assertEqual((self.booked, self.clock.getDelayedCalls()), ([], []))

    def test_a_file_that_cannot_be_finished(self) -> None:
        """It is tried again in the usual time."""
        self.files.write(b"post\n", 1)
        self.book.trouble = DISK_FULL
        self.set(3600)
        self.book.trouble = None
        self.clock.advance(RETRY)
        self.assertEqual([name for name, _, _ in self.booked], ["test19971030_1230.json"])
