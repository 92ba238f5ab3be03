"""Files of fixed names are read whatever somebody has put in their place."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.fixedfiles import read_file


class ReadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def test_a_file(self) -> None:
        """What is in it, no more than so many bytes."""
        self.path.write_bytes(b"12345")
        self.assertEqual(read_file(self.path, 9), b"12345")
        self.assertEqual(read_file(self.path, 5), b"12345")
        self.assertEqual(read_file(self.path, 4), b"1234")

    def test_what_is_no_file(self) -> None:
        """There is no waiting, and no end of reading."""
        os.mkfifo(self.path)
        folder, device = Path(self.mktemp()), Path(self.mktemp())
        folder.mkdir()
        device.symlink_to("/dev/zero")
        for path in (self.path, folder, device, Path(self.mktemp())):
            with self.assertRaises(OSError):
                read_file(path, 9)
