"""How much room a disk has."""

import errno
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.storage.room import LOOK, Room, free_bytes
from tests.peers import clock_at


class RoomTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = clock_at()
        self.free = 1000
        self.looks = 0
        self.room = Room(Path(), 1000, self.clock, self.look)

    def look(self, folder: Path) -> int:
        self.looks += 1
        return self.free

    def test_both_sides_of_the_limit(self) -> None:
        """What is asked for may be there to the last byte."""
        self.room.check(1)
        self.free = 999
        self.clock.advance(LOOK)
        error = self.assertRaises(OSError, self.room.check, 1)
        self.assertEqual(error.errno, errno.ENOSPC)

    def test_once_a_second(self) -> None:
        """As long as what was written since leaves enough, and the clock is not set back."""
        self.free = 1100
        for now, size, looks in (
            (0.0, 60, 1),
            (0.5, 40, 1),
            (0.5, 1, 1),
            (0.5, 1, 2),
            (1.4, 1, 2),
            (1.5, 1, 3),
            (-100.0, 1, 4),
        ):
            self.clock.rightNow = 1_449_086_690.0 + now
            self.room.check(size)
            self.assertEqual(self.looks, looks, now)

    def test_a_full_disk_is_looked_at_each_time(self) -> None:
        """So that the first moment with room is not missed."""
        self.free = 0
        for _ in range(3):
            self.assertRaises(OSError, self.room.check, 1)
        self.assertEqual(self.looks, 3)
        self.free = 1000
        self.room.check(1)

    def test_no_limit(self) -> None:
        """Then nobody looks."""
        Room(Path(), 0, self.clock, self.look).check(1)
        self.assertEqual(self.looks, 0)

    def test_a_real_disk(self) -> None:
        """It has some room, and a folder that is not there has none that could be told."""
        self.assertGreater(free_bytes(Path()), 0)
        self.assertRaises(OSError, free_bytes, Path("/none"))
