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

    def test_set(self) -> None:
        """It says so at once, and to another process."""
        for until in (1000.25, 999.5):
            self.mark.set(until)
            self.assertEqual(AliveMark(self.path).read(), until)
        self.mark.remove()
        self.assertFalse(self.path.exists())

    def test_a_folder_that_is_gone(self) -> None:
        """Costs the mark only."""
        mark = AliveMark(self.path / "gone" / "mark")
        mark.set(1000.0)
        mark.remove()
        self.assertEqual(mark.read(), 0.0)
