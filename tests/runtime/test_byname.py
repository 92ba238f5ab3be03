"""Commands that are found by the names of their entry points."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.byname import load_by_name


class LoadTests(SynchronousTestCase):
    def test_what_is_installed(self) -> None:
        """The entry points of this distribution."""
        self.assertTrue(callable(load_by_name("sandbox")))

    def test_what_is_not(self) -> None:
        """The files are newer than the installation: one sentence says what to do."""
        refused = self.assertRaises(SystemExit, load_by_name, "none")
        self.assertIn("install it again", str(refused))
