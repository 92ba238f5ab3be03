"""Writing at the end of a file."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.disk.appending import append
from tests.disk import file_size_limit


class AppendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.addCleanup(os.close, self.fd)

    def test_many_blocks(self) -> None:
        """More than one call of the system takes."""
        append(self.fd, [b"%d\n" % number for number in range(3000)])
        self.assertEqual(self.path.read_bytes().splitlines()[-1], b"2999")

    def test_what_does_not_fit(self) -> None:
        """Nothing of it stays, and the file's time is that of the last byte which does."""
        append(self.fd, [b"a" * 1000])
        os.utime(self.fd, (0, 1_000_000))
        with file_size_limit(1500):
            self.assertRaises(OSError, append, self.fd, [b"b" * 400, b"c" * 400])
        self.assertEqual(self.path.read_bytes(), b"a" * 1000)
        self.assertEqual(self.path.stat().st_mtime, 1_000_000)
