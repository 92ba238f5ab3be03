"""What is in a data file."""

import hashlib
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcaccount.posts import FileContents, read
from tcclient.sources.registry import post_ids
from tcclient.stream.framing import MAX_MESSAGE

V1 = b'{"created_at":"x","id_str":"7","user":{"id_str":"8"}}'
V2 = b'{"data":{"text":"x","id":"9"},"includes":{}}'


class ReadingTests(SynchronousTestCase):
    def contents(self, content: bytes) -> tuple[FileContents, list[str]]:
        """What the file has, and its ids."""
        path = Path(self.mktemp())
        path.write_bytes(content)
        ids: list[str] = []
        done: list[int] = []
        found = read(path, post_ids(), done.append, ids.append)
        self.assertEqual((found.bytes, sum(done)), (len(content), len(content)))
        self.assertEqual(found.sha256, hashlib.sha256(content).hexdigest())
        return found, ids

    def test_posts_and_ids(self) -> None:
        """Of both APIs, with the blank lines and line ends of the original client."""
        found, ids = self.contents(V1 + b"\r\n\r\n \n" + V2 + b"\n\n")
        self.assertEqual((found.posts, found.broken, found.torn), (2, 0, 0))
        self.assertEqual(ids, ["7", "9"])

    def test_lines_that_are_no_posts(self) -> None:
        """How many, and the first."""
        found, ids = self.contents(V1 + b"\n[]\nno\n" + V2 + b"\n")
        self.assertEqual((found.posts, found.broken, found.first_broken), (4, 2, 2))
        self.assertEqual(ids, ["7", "9"])

    def test_lines_that_hold_several(self) -> None:
        """How many, and the first; what stands between two makes the line none at all."""
        found, ids = self.contents(V1 + b"\n" + V1 + V2 + b"\n" + V1 + b" " + V2 + b"\n")
        self.assertEqual((found.posts, found.together, found.first_together), (3, 1, 2))
        self.assertEqual((found.broken, found.first_broken, ids), (1, 3, ["7"]))

    def test_a_last_line_without_newline(self) -> None:
        """Counts, as recovery counts it; its bytes are told."""
        found, ids = self.contents(V1 + b"\n" + V2)
        self.assertEqual((found.posts, found.broken, found.torn), (2, 0, len(V2)))
        self.assertEqual(ids, ["7", "9"])

    def test_a_line_that_is_longer_than_any_post(self) -> None:
        """It is not held in memory, and is no post."""
        found, ids = self.contents(b"x" * (2 * MAX_MESSAGE) + b"\n" + V1 + b"\n")
        self.assertEqual((found.posts, found.broken, ids), (2, 1, ["7"]))

    def test_an_empty_file(self) -> None:
        """Has nothing."""
        self.assertEqual(self.contents(b"")[0].posts, 0)
