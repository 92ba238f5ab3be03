"""What is imported by its name."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime import byname
from tcclient.runtime.byname import load_by_name


class LoadTests(SynchronousTestCase):
    def test_a_module(self) -> None:
        """A name without a colon."""
        self.assertIs(load_by_name("tcclient.runtime.byname"), byname)

    def test_what_is_in_a_module(self) -> None:
        """What stands behind the colon."""
        self.assertIs(load_by_name("tcclient.runtime.byname:load_by_name"), load_by_name)

    def test_what_there_is_not(self) -> None:
        """A name that leads nowhere is a mistake of ours."""
        self.assertRaises(ModuleNotFoundError, load_by_name, "tcclient.runtime.none")
        self.assertRaises(AttributeError, load_by_name, "tcclient.runtime.byname:none")
