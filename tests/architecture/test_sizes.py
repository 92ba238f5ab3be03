"""How long things may be, so that each can be read at a sitting."""

from twisted.trial.unittest import SynchronousTestCase

from tests.architecture.test_words import ROOT, classes, trees

MOST_OF_A_MODULE = 300
MOST_OF_A_CLASS = 200
MOST_OF_THE_SANDBOX = 8_600
"""Lines, with comments and docstrings."""


def lines(path: str) -> int:
    """Return how many lines a file has, by its path from the root."""
    return len((ROOT / path).read_text().splitlines())


class SizeTests(SynchronousTestCase):
    def test_of_a_module(self) -> None:
        """A longer one has more than one idea."""
        longer = {path: n for path, _ in trees() if (n := lines(path)) > MOST_OF_A_MODULE}
        self.assertEqual(longer, {})

    def test_of_a_class(self) -> None:
        """A longer one does more than one thing."""
        sizes = {
            (path, node.name): (node.end_lineno or 0) - node.lineno + 1 for path, node in classes()
        }
        longer = {name: n for name, n in sizes.items() if n > MOST_OF_A_CLASS}
        self.assertEqual(longer, {})

    def test_of_the_sandbox(self) -> None:
        """The other ends are there for trying the client, and not to grow beside it."""
        sandbox = [lines(path) for path, _ in trees() if path.startswith("tcsandbox/")]
        self.assertLessEqual(sum(sandbox), MOST_OF_THE_SANDBOX)
