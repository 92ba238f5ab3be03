"""Writing at the end of a file, and syncing folders."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.appending import End, replace_file, sync_folder
from tests.storage.crashes import at_disk_call
from tests.storage.disk import file_size_limit


class AppendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.addCleanup(os.close, self.fd)
        self.end = End(self.fd)

    def test_many_blocks(self) -> None:
        """More than one call of the system takes."""
        self.end.append([b"%d\n" % number for number in range(3000)])
        self.assertEqual(self.path.read_bytes().splitlines()[-1], b"2999")

    def test_what_does_not_fit(self) -> None:
        """Nothing of it stays, and the file's time is that of the last byte which does."""
        self.end.append([b"a" * 1000])
        os.utime(self.fd, (0, 1_000_000))
        with file_size_limit(1500):
            self.assertRaises(OSError, self.end.append, [b"b" * 400, b"c" * 400])
        self.assertEqual(self.path.read_bytes(), b"a" * 1000)
        self.assertEqual(self.path.stat().st_mtime, 1_000_000)

    def test_what_the_disk_does_not_let_us_take_back(self) -> None:
        """It is cut off before the next blocks, which are not written as long as it cannot be."""
        refusals = [OSError(errno.EIO, "bad disk"), OSError(errno.EIO, "still bad")]

        def truncate(fd: int, size: int) -> None:
            if refusals:
                raise refusals.pop(0)
            os.ftruncate(fd, size)

        end = End(self.fd, truncate)
        end.append([b"a" * 1000])
        os.utime(self.fd, (0, 1_000_000))
        with file_size_limit(1500):
            with self.assertRaises(OSError) as refused:
                end.append([b"b" * 400, b"c" * 400])
            self.assertEqual(refused.exception.errno, errno.EFBIG)
            self.assertEqual((self.path.stat().st_size, end.has_part), (1500, True))
            self.assertRaises(OSError, end.append, [b"b"])
            self.assertEqual(self.path.stat().st_size, 1500)
            self.assertRaises(OSError, end.append, [b"d" * 600])
            self.assertEqual(self.path.read_bytes(), b"a" * 1000)
            self.assertEqual(self.path.stat().st_mtime, 1_000_000)
            self.assertFalse(end.has_part)
            end.append([b"d" * 400])
        self.assertEqual(self.path.read_bytes(), b"a" * 1000 + b"d" * 400)


class FolderTests(SynchronousTestCase):
    def test_a_folder_that_cannot_be_synced_is_no_error(self) -> None:
        """Some shares cannot do it, and the file has its name by then."""
        sync_folder(Path(self.mktemp()))


class ReplaceTests(SynchronousTestCase):
    """Somebody does something to the folder at any moment, as when its disk is mounted anew."""

    def test_moved(self) -> None:
        """The file is whole, here or there; nothing of another folder is taken for it."""
        for folder in self.disturbed(lambda folder: folder.rename(f"{folder}.away")):
            away = folder.with_name(f"{folder.name}.away")
            found = [one / "file" for one in (folder, away) if (one / "file").exists()]
            self.assertIn(b"new", [one.read_bytes() for one in found])

    def test_removed(self) -> None:
        """The folder is made again, unless all had been written."""
        for folder in self.disturbed(shutil.rmtree):
            if folder.exists():
                self.assertEqual([one.read_bytes() for one in folder.iterdir()], [b"new"])

    def test_exchanged(self) -> None:
        """A file is there in both; what was left half written in the other is no file."""

        def exchange(folder: Path) -> None:
            folder.rename(folder.with_name(f"{folder.name}.away"))
            folder.mkdir()
            (folder / "file").write_bytes(b"other")
            (folder / "file.new").write_bytes(b"ha")

        for folder in self.disturbed(exchange):
            self.assertIn((folder / "file").read_bytes(), (b"other", b"new"))

    def disturbed(self, act: Callable[[Path], object]) -> list[Path]:
        """The folders in which a file was replaced, each with an act at a later moment of that."""
        folders: list[Path] = []
        has_come = True
        while has_come:
            folder = Path(self.mktemp())
            folder.mkdir(parents=True)
            (folder / "file").write_bytes(b"old")
            with at_disk_call(len(folders), lambda folder=folder: act(folder)) as came:
                replace_file(folder / "file", b"new")
            has_come = came()
            folders += [folder] * has_come
        self.assertGreater(len(folders), 5)
        return folders
