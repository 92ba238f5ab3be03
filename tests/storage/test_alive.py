"""The mark that says until when all that came is safe."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.storage.alive import AliveMark


class AliveMarkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.mark = AliveMark(self.path)

    def test_none(self) -> None:
        """Nothing is known; what is to be removed need not be there."""
        self.assertEqual(self.mark.read(), 0.0)
        self.mark.remove()

    def test_all_is_synced(self) -> None:
        """It says so at once, and to another process."""
        self.mark.written(1000.25, synced=True)
        self.assertEqual(AliveMark(self.path).read(), 1000.25)
        self.mark.remove()
        self.assertFalse(self.path.exists())

    def test_what_was_written_when_the_sync_began(self) -> None:
        """Is safe when it has ended; not what was written meanwhile."""
        self.mark.written(1000.0, synced=True)
        self.mark.written(1001.0, synced=False)
        self.mark.sync_begins()
        self.mark.written(1002.0, synced=False)
        self.assertEqual(self.mark.read(), 1000.0)
        self.mark.synced()
        self.assertEqual(self.mark.read(), 1001.0)

    def test_a_sync_before_anything_was_heard(self) -> None:
        """Says nothing."""
        self.mark.sync_begins()
        self.mark.synced()
        self.assertEqual(self.mark.read(), 0.0)

    def test_a_folder_that_is_gone(self) -> None:
        """Costs the mark only."""
        mark = AliveMark(self.path / "gone" / "mark")
        mark.written(1000.0, synced=True)
        mark.remove()
        self.assertEqual(mark.read(), 0.0)
