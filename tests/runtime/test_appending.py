"""Writing at the end of a file, and syncing folders."""

import errno
import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.appending import End, sync_folder
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
