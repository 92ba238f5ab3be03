"""Somebody else changes what is in the folder while it is captured, or takes all of it away."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from msgspec import structs
from twisted.logger import LogLevel, capturedLogs

from tcclient.control.jobs import Status
from tcclient.ledger.counters import Counters
from tcclient.ledger.endings import Ending
from tcclient.ledger.entries import seconds
from tcclient.ledger.fold import newest_counters
from tcclient.ledger.reading import newest_first
from tcclient.sources.registry import post_ids
from tcclient.storage.archive import Archive
from tcclient.storage.diskuse import DiskUse
from tcclient.storage.room import LOOK
from tests.left import leave
from tests.storage.disk import Acts
from tests.storage.test_files import empty, make_folder, replace
from tests.storefolders import anew
from tests.tcaccount.ledgertext import job
from tests.tcaccount.test_verify import VerifyCase


def cut_last(path: Path) -> None:
    """Within the last post."""
    os.truncate(path, path.stat().st_size - 5)


LOST = {replace: 0, cut_last: 1, empty: 3, make_folder: 3, Path.unlink: 3}
"""What somebody may do to a file with three posts, and how many of them are gone for good."""


class DisturbedCase(VerifyCase):
    def begin_afresh(self) -> None:
        """In an empty place."""
        self.setUp()
        self.capture(4)

    def counters(self) -> Counters:
        """The newest in the ledger."""
        return newest_counters(newest_first(self.ledger), 7)[7]

    def on_disk(self) -> int:
        """Posts in finished files."""
        return sum(path.read_bytes().count(b"\n") for path in self.data())

    def not_stored(self) -> int:
        """What the account says of posts that are not in files."""
        _, said, _ = self.account()
        found = re.search(r"(\d+) arrived and were not stored", said)
        return 0 if found is None else int(found[1])

    def start_again(self) -> None:
        """The client recovers what there is, twice, and captures a little."""
        for _ in range(2):
            self.folders.begin()
            self.capture(1)
        self.assertEqual(self.verify(), [])

    @property
    def tmp(self) -> Path:
        """The file that is being written."""
        [tmp] = (path for path in self.folder.glob("*.tmp") if path.is_file())
        return tmp


class FileTests(DisturbedCase):
    def disturb(self, *acts: Callable[[Path], object]) -> list[str]:
        """
        While three posts are in the file, and before two more come, each time.  What the log says.
        """
        archive = self.folders.open(job())
        archive.store(self.posts(3))
        with capturedLogs() as events:
            for act in acts:
                act(self.tmp)
                archive.store(self.posts(2))
            archive.close()
        return [event["log_level"].name for event in events]

    def test_counted_once(self) -> None:
        """What is found by the next start is in the account, and what is not there is not."""
        for act, gone in LOST.items():
            self.begin_afresh()
            self.assertEqual(self.disturb(act), ["error"], act)
            self.assertEqual(len(self.places("not_stored")), 1)
            self.assertEqual(self.places("disk_trouble"), [])
            self.start_again()
            self.assertEqual(self.on_disk(), 4 + 5 - gone + 2, act)
            self.assertEqual(self.counters().posts, 4 + 5 + 2)
            self.assertEqual(self.not_stored(), gone)

    def test_posts_that_would_be_gone(self) -> None:
        """Are written again: those that the file in its place lacks, and no other file has."""

        def edited(path: Path) -> bytes:
            """It begins with two of the posts, of which one was changed."""
            first, second, _ = path.read_bytes().splitlines(keepends=True)
            return first + second.replace(b"text", b"word")

        def without_ids(path: Path) -> bytes:
            """`sed -i s/d/D/` makes other messages of all of them, and takes its time."""
            return b"".join(path.read_bytes().splitlines(keepends=True)[:2]).replace(b"d", b"D")

        def filtered(path: Path) -> bytes:
            """Only the second post is left."""
            return path.read_bytes().splitlines(keepends=True)[1]

        def cut_off(path: Path) -> bytes:
            """It ends within the third post."""
            return path.read_bytes()[:-5]

        def nothing(path: Path) -> bytes:
            return b""

        for content, rest in (
            (edited, 2),
            (without_ids, 2),
            (filtered, 2),
            (cut_off, 2),
            (nothing, 0),
        ):
            self.begin_afresh()

            def put(path: Path, content: Callable[[Path], bytes] = content) -> None:
                draft = path.with_name("draft")
                draft.write_bytes(content(path))
                draft.rename(path)

            self.assertEqual(self.disturb(put), ["error" if rest else "warn"], content)
            lost = [self.lines()[place] for place in self.places("not_stored")]
            self.assertEqual([line["posts"] for line in lost], [rest] if rest else [])
            self.assertEqual(len(self.places("not_stored") + self.places("name_taken")), 1)
            (finished,) = self.folder.glob("*_00.json")
            self.assertEqual(finished.read_bytes().count(b"\n"), 3 - rest + 2, content)
            self.start_again()
            self.assertEqual(self.counters().posts, 11, content)

    def test_a_folder_in_its_place(self) -> None:
        """Has none of the posts, which are written again; a file that was removed stays so."""
        self.begin_afresh()

        def make(path: Path) -> None:
            path.unlink()
            path.mkdir()

        self.assertEqual(self.disturb(make, make), ["warn"] * 2)
        self.assertEqual(len(self.places("name_taken")), 2)
        self.assertEqual((self.counters().posts, self.on_disk(), self.verify()), (11, 11, []))

    def test_a_reading_that_takes_long(self) -> None:
        """Meanwhile more comes, and is stored behind it; nothing is counted twice."""
        self.begin_afresh()
        acts = Acts()
        self.folders = anew(self.folders, use=DiskUse(threads=acts, ids=post_ids()))
        archive = self.folders.open(job())
        acts.do_all()
        archive.store(self.posts(3))
        with capturedLogs():
            empty_copy = self.tmp.with_name("draft")
            empty_copy.write_bytes(b"")
            empty_copy.rename(self.tmp)
            archive.store(self.posts(1))
            archive.store(self.posts(1))
            self.assertEqual((archive.waiting, archive.tally.posts), (2, 4 + 3))
            archive.tally.accepted(archive.tally.update(self.clock.seconds()))
            acts.do_all()
        self.assertEqual((archive.waiting, archive.tally.posts), (0, 4 + 5))
        closed = archive.close()
        acts.do_all()
        self.successResultOf(closed)
        [*_, (_, content)] = sorted((p.name, p.read_bytes()) for p in self.data())
        self.assertEqual(content.splitlines(), sorted(content.splitlines()))
        self.assertEqual((self.counters().posts, self.on_disk(), self.not_stored()), (9, 9, 0))
        self.folders = anew(self.folders, use=DiskUse(ids=post_ids()))
        self.start_again()

    def test_more_than_was_ours(self) -> None:
        """Who puts lines of his own there has them counted."""
        self.begin_afresh()

        def double(path: Path) -> None:
            path.write_bytes(path.read_bytes() + b"".join(p + b"\n" for p in self.posts(3)))

        self.disturb(double)
        self.start_again()
        self.assertEqual((self.counters().posts, self.on_disk()), (14, 14))

    def test_a_crash_before_all_is_counted(self) -> None:
        """The lines that say so may stand alone: the next start goes on from there."""
        self.begin_afresh()
        self.disturb(replace)
        before = self.ledger.read_bytes()
        left = leave(self.folder, self.base.with_name("left"))
        self.folders.begin()
        after = self.ledger.read_bytes()
        lines = after[len(before) :].splitlines(keepends=True)
        self.assertEqual(len(lines), 2)
        shutil.rmtree(self.folder)
        leave(left, self.folder)
        shutil.rmtree(left)
        self.ledger.write_bytes(before + lines[0])
        self.start_again()
        self.assertEqual((self.counters().posts, self.on_disk()), (11, 11))

    def test_a_crash_before_it_is_noticed(self) -> None:
        """What the server has been told of, and is nowhere, is in the account as not stored."""
        self.begin_afresh()
        archive = self.folders.open(job())
        archive.store(self.posts(3))
        archive.tally.accepted(archive.tally.update(self.clock.seconds()))
        self.tmp.unlink()
        left = leave(self.folder, self.base.with_name("left"))
        with capturedLogs():
            archive.close()
        shutil.rmtree(self.folder)
        left.rename(self.folder)
        with capturedLogs() as events:
            self.start_again()
        self.assertEqual([e["log_level"] for e in events].count(LogLevel.error), 1)
        self.assertEqual((self.on_disk(), self.counters().posts, self.not_stored()), (6, 9, 3))
        self.assertEqual(self.places("base"), [])

    def test_between_a_look_and_a_write(self) -> None:
        """It is noticed by the next look; a crash before that loses what nobody has any more."""
        for is_killed in (False, True):
            self.begin_afresh()
            acts: list[Callable[[], object]] = []

            def free(folder: Path, acts: list[Callable[[], object]] = acts) -> int:
                for act in acts:
                    act()
                acts.clear()
                return 1 << 30

            use = structs.replace(self.folders.use, min_free_bytes=1, free=free)
            self.folders = anew(self.folders, use=use)
            archive = self.folders.open(job())
            archive.store(self.posts(3))
            self.clock.advance(LOOK)
            acts.append(lambda: replace(self.tmp))
            archive.store(self.posts(2))
            self.assertEqual(acts, [])
            left = leave(self.folder, self.base.with_name("left"))
            with capturedLogs():
                archive.store(self.posts(1))
                archive.close()
            if is_killed:
                shutil.rmtree(self.folder)
                left.rename(self.folder)
            self.start_again()
            rest = 0 if is_killed else 2 + 1
            self.assertEqual((self.on_disk(), self.counters().posts), (4 + 3 + rest + 2,) * 2)

    def test_a_name_that_was_lost(self) -> None:
        """No file has it again in its slot, not even of a later process: only what was lost can."""
        self.begin_afresh()
        archive = self.folders.open(job())
        archive.store(self.posts(3))
        first, taken = self.tmp, self.tmp.read_bytes()
        with capturedLogs():
            first.unlink()
            archive.store(self.posts(2))
            self.assertEqual(self.tmp.name, "test20261123_1210_00.json.tmp")
            archive.close()
            self.folders.begin()
            archive = self.folders.open(job())
            archive.store(self.posts(2))
            self.assertEqual(self.tmp.name, "test20261123_1210_01.json.tmp")
            first.write_bytes(taken)
            archive.close()
        self.assertEqual(self.places("name_taken"), [])
        self.assertEqual((self.not_stored(), self.on_disk()), (3, 8))
        self.start_again()
        self.assertEqual((self.not_stored(), self.on_disk(), self.counters().posts), (0, 13, 13))

    def test_a_stranger_s_file(self) -> None:
        """What somebody has made under the next name while we ran is none of ours ever after."""
        self.begin_afresh()
        archive = self.folders.open(job())
        stranger = self.folder / "test20261123_1210.json.tmp"
        stranger.write_bytes(b"{}\n")
        with capturedLogs() as logs:
            archive.store(self.posts(3))
            archive.close()
            self.start_again()
        self.assertEqual(stranger.read_bytes(), b"{}\n")
        self.assertEqual(self.counters().posts, 4 + 3 + 2)
        self.assertEqual({event["log_level"] for event in logs}, {LogLevel.warn})

    def test_a_name_that_is_taken(self) -> None:
        """Is said once, and no loss."""
        self.begin_afresh()
        (self.folder / "test20261123_1210.json.tmp").mkdir()
        archive = self.folders.open(job())
        with capturedLogs() as events:
            archive.store(self.posts(3))
            archive.close()
        self.assertEqual([event["log_level"] for event in events], [LogLevel.warn])
        self.assertEqual(len(self.places("name_taken")), 1)
        self.assertEqual((self.verify(), self.on_disk()), ([], 7))


class AwayTests(DisturbedCase):
    """The base directory is away for a while, as that of a disk which is mounted anew."""

    def setUp(self) -> None:
        super().setUp()
        self.away = self.base.with_name("away")

    def take_away(self, base: Path) -> None:
        """Something else is there, or nothing."""
        base.rename(self.away)

    def put_back(self, base: Path) -> None:
        """What the client has made meanwhile is out of sight."""
        if base.exists():
            base.rename(self.base.with_name(f"hidden{len(list(base.parent.iterdir()))}"))
        self.away.rename(base)

    def go_away(self, archive: Archive, *, report: int) -> None:
        """A while, in which two posts come; they are reported then, or when all is back."""
        self.take_away(self.base)
        archive.store(self.posts(2))
        for when in (1, 2):
            if report == when:
                archive.tally.accepted(archive.tally.update(self.clock.seconds()))
            if when == 1:
                self.put_back(self.base)

    def test_away_and_back(self) -> None:
        """Nothing waits; what came back is counted once."""
        for times in (1, 2):
            for report in (0, 1, 2):
                self.begin_afresh()
                archive = self.folders.open(job())
                archive.store(self.posts(3))
                with capturedLogs():
                    for _ in range(times):
                        self.go_away(archive, report=report)
                        archive.store(self.posts(5))
                self.assertEqual(archive.waiting, 0)
                archive.close()
                self.assertEqual(self.places("disk_trouble"), [])
                self.start_again()
                self.assertEqual(self.on_disk(), 4 + 3 + 5 * times + 2)
                self.assertEqual(self.counters().posts, 4 + 3 + 7 * times + 2)
                self.assertEqual(self.not_stored(), 2 * times)

    def test_away_over_a_restart(self) -> None:
        """What came back, and an earlier process had counted as lost, is counted once too."""
        for ends in (True, False):
            self.begin_afresh()
            archive = self.folders.open(job())
            archive.store(self.posts(3))
            with capturedLogs():
                self.take_away(self.base)
                archive.store(self.posts(2))
                if ends:
                    archive.close()
                    self.folders.begin()
                    archive = self.folders.open(job())
                    archive.store(self.posts(2))
                self.put_back(self.base)
                archive.store(self.posts(5))
            archive.close()
            self.start_again()
            hidden = 4 if ends else 2
            self.assertEqual(self.on_disk(), 4 + 3 + 5 + 2)
            self.assertEqual(self.counters().posts, 4 + 3 + 5 + 2 + hidden)

    def test_killed_before_it_noticed(self) -> None:
        """The next process begins without; all that comes back is counted once."""
        for told in (0, 3, 4, 6, 7):
            self.begin_afresh()
            archive = self.folders.open(job())
            archive.store(self.posts(3))
            archive.tally.told(1000 + told)
            leave(self.base, self.away)
            archive.close()
            shutil.rmtree(self.base)
            with capturedLogs():
                self.clock.advance(1)
                self.folders = anew(self.folders)
                archive = self.folders.open(job(total=1000 + told))
                archive.store(self.posts(2))
                self.put_back(self.base)
                archive.store(self.posts(5))
            archive.close()
            self.start_again()
            counters = self.counters()
            self.assertEqual(self.on_disk(), 4 + 3 + 5 + 2)
            self.assertEqual((counters.base, counters.posts), (1000, 4 + 3 + 5 + 2 + 2), told)

    def test_killed_before_it_noticed_and_cut_off(self) -> None:
        """What is missing since the kill is a gap, whichever line finds the folder back."""
        for is_cut_off in (False, True):
            self.begin_afresh()
            archive = self.folders.open(job())
            archive.capture_log.begin("started", Status.STARTING, "obama")
            archive.capture_log.heard()
            archive.store(self.posts(3))
            killed = self.clock.seconds()
            leave(self.base, self.away)
            archive.close()
            shutil.rmtree(self.base)
            with capturedLogs():
                self.clock.advance(10)
                self.folders = anew(self.folders)
                archive = self.folders.open(job())
                archive.capture_log.begin("resumed", Status.STARTED, "obama")
                archive.capture_log.heard()
                archive.capture_log.in_force("obama")
                heard = self.clock.seconds()
                self.clock.advance(10)
                self.put_back(self.base)
                if is_cut_off:
                    archive.capture_log.unheard(Ending("broken", "the connection broke"))
                archive.store(self.posts(2))
            archive.close()
            gaps = [line for line in self.lines() if line["kind"] == "gap"]
            [crash] = [gap for gap in gaps if gap["cause"] == "crash"]
            self.assertLessEqual(seconds(crash["begin"]), killed)
            self.assertEqual(seconds(crash["end"]), heard)

    def test_a_link_that_is_switched(self) -> None:
        """And switched back."""
        self.begin_afresh()
        real, other = self.base.with_name("real"), self.base.with_name("other")
        self.base.rename(real)
        other.mkdir()

        def lead_to(where: Path) -> None:
            draft = self.base.with_name("draft")
            draft.symlink_to(where.absolute())
            draft.rename(self.base)

        lead_to(real)
        archive = self.folders.open(job())
        with capturedLogs():
            for where in (real, other, real):
                lead_to(where)
                archive.store(self.posts(3))
        archive.close()
        self.start_again()
        self.assertEqual((self.on_disk(), self.counters().posts), (4 + 6 + 2, 4 + 9 + 2))

    def test_a_ledger_that_is_replaced(self) -> None:
        """By a copy, as an editor does it: what it lacks is believed."""
        self.begin_afresh()
        archive = self.folders.open(job())
        archive.store(self.posts(3))
        copy = self.ledger.with_name("copy")
        copy.write_bytes(self.ledger.read_bytes())
        copy.rename(self.ledger)
        with capturedLogs():
            archive.finish()
            archive.tally.accepted(archive.tally.update(self.clock.seconds()))
        archive.close()
        self.start_again()
        self.assertEqual((self.on_disk(), self.counters().posts), (9, 9))
