"""On which file systems a file keeps its inode."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.inodes import file_system, lasting_inode

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 8:17 / /srv rw - vfat /dev/sdb1 rw
31 22 0:40 / /srv/with\\040space rw master:1 - fuse.sshfs host: rw
32 22 8:33 / /srv/tcc rw - xfs /dev/sdc1 rw
33 22 8:49 / /srv/tcc rw - btrfs /dev/sdd1 rw
"""


class InodesTests(SynchronousTestCase):
    def test_the_file_system_of_a_path(self) -> None:
        """That of the innermost mount, and of what was mounted there last."""
        for path, type_ in (
            ("/", "ext4"),
            ("/srvx/data", "ext4"),
            ("/srv", "vfat"),
            ("/srv/with space/data", "fuse.sshfs"),
            ("/srv/tcc/data", "btrfs"),
            ("relative", ""),
        ):
            self.assertEqual(file_system(path, MOUNTS), type_)

    def test_a_file(self) -> None:
        """It has its own number, or none that lasts."""
        path = Path(self.mktemp())
        with path.open("wb") as file:
            self.assertIn(
                lasting_inode(path, file.fileno()), (os.fstat(file.fileno()).st_ino, None)
            )
