"""The mark that says until when all that came is safe."""

import errno
import os
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.threads import in_place
from tcclient.storage.alive import AliveMark
from tcclient.storage.lane import Lane


class AliveMarkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.lane = Lane(in_place, Clock(), lambda: None)
        self.mark = AliveMark(self.path, self.lane)

    def test_none(self) -> None:
        """Nothing is known; what is to be removed need not be there."""
        self.assertEqual(self.mark.read(), 0.0)
        self.successResultOf(Deferred.fromCoroutine(self.mark.remove()))

    def test_set(self) -> None:
        """It says so at once, and to another process."""
        for until in (1000.25, 999.5):
            self.mark.set(until)
            self.assertEqual(AliveMark(self.path, self.lane).read(), until)
        self.successResultOf(Deferred.fromCoroutine(self.mark.remove()))
        self.assertFalse(self.path.exists())

    def test_a_mark_that_cannot_be_given_its_time(self) -> None:
        """Says nothing: a new file has the time at which it was made, which is too late."""
        utime = os.utime

        def refused(path: Path, times: tuple[float, float]) -> None:
            if path.exists():
                raise OSError(errno.EIO, "Input/output error")
            utime(path, times)

        self.patch(os, "utime", refused)
        self.mark.set(1000.0)
        self.assertEqual(self.mark.read(), 0.0)
        self.patch(os, "utime", utime)
        self.mark.set(1000.0)
        self.assertEqual(self.mark.read(), 1000.0)
        self.assertEqual(list(self.path.parent.glob(f"{self.path.name}*")), [self.path])

    def test_nothing_new(self) -> None:
        """Nobody touches it until something has come."""
        self.mark.set(1000.0)
        self.path.unlink()
        self.mark.set(1000.001)
        self.assertEqual(self.mark.read(), 0.0)
        self.mark.set(1000.25)
        self.assertEqual(self.mark.read(), 1000.25)

    def test_a_disk_that_had_refused_it(self) -> None:
        """It is tried again, though nothing has come."""
        mark = AliveMark(self.path / "later" / "mark", self.lane)
        mark.set(1000.0)
        (self.path / "later").mkdir(parents=True)
        mark.set(1000.0)
        self.assertEqual(mark.read(), 1000.0)

    def test_a_folder_that_is_gone(self) -> None:
        """Costs the mark only."""
        mark = AliveMark(self.path / "gone" / "mark", self.lane)
        mark.set(1000.0)
        self.successResultOf(Deferred.fromCoroutine(mark.remove()))
        self.assertEqual(mark.read(), 0.0)

    def test_removed_for_good(self) -> None:
        """A sync that ends later sets it no more."""
        self.mark.set(1000.0)
        self.successResultOf(Deferred.fromCoroutine(self.mark.remove()))
        self.mark.set(1001.0)
        self.assertFalse(self.path.exists())
