"""What a process writes into its memory for others."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.blackboard import Blackboard, read_blackboard

NAME = "tcc.test"


class BlackboardTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.board = Blackboard(NAME)
        self.addCleanup(self.board.close)

    def read(self) -> bytes | None:
        return read_blackboard(os.getpid(), NAME)

    def test_the_newest_text(self) -> None:
        """Is there, all of it and nothing of one before, in one open file."""
        self.assertIsNone(self.read())
        for text in (b"a longer text" * 10_000, b"a text"):
            self.board.write(text)
            self.assertEqual(self.read(), text)
        self.board.close()
        self.assertIsNone(self.read())

    def test_what_was_opened_before(self) -> None:
        """Stays the text of that moment, also while it is read."""
        self.board.write(b"before")
        with _link().open("rb") as reader:
            self.board.write(b"after")
            self.assertEqual(reader.read(), b"before")
        self.assertEqual(self.read(), b"after")

    def test_a_process_that_is_not_there(self) -> None:
        """Has no text."""
        self.assertIsNone(read_blackboard(2**30, NAME))


def _link() -> Path:
    """Where the text of this process is, as long as it is open."""
    links = Path("/proc/self/fd").iterdir()
    return next(one for one in links if one.exists() and NAME in str(one.readlink()))
