"""Messages of the shared stream that have run together in one line."""

import json

from benchmarks.posts import v2_posts
from tests.sources.twitter_v2.test_sharedstream import SharedStreamTestCase, post


class TogetherTests(SharedStreamTestCase):
    def test_two_posts(self) -> None:
        """Each goes to the captures that it is for, and is counted."""
        self.stream(1, 2)
        both = post(1, self.rule(1)).strip() + post(2, self.rule(1), self.rule(2))
        self.peer.says(post(3, self.rule(2)) + both)
        self.assertEqual(self.disk.stored("cats"), [1, 2])
        self.assertEqual(sorted(self.disk.stored("dogs")), [2, 3])

    def test_as_x_writes_them(self) -> None:
        """They are told apart also where a post is known by its ends."""
        self.stream(1)
        tag = self.rule(1)[1]
        first, second = (line.strip() for line in v2_posts(2, [str(tag)] * 3))
        self.peer.says(first + second + b"\r\n")
        (path,) = (self.base / "cats").glob("*.tmp")
        self.assertEqual(path.read_bytes().splitlines(), [first, second])

    def test_the_second_written_otherwise(self) -> None:
        """Each goes to the capture that it is for, and the line of neither holds the other."""
        self.stream(1, 2)
        first = post(1, self.rule(1)).strip()
        rules = json.loads(post(2, self.rule(2)))["matching_rules"]
        rest = json.dumps({"data": {"id": "2"}, "matching_rules": rules})[1:].encode()
        compact = json.dumps(json.loads(first), separators=(",", ":")).encode()
        for begin in (b'{"includes":{},', b"{ ", b'{"errors": [], '):
            self.peer.says(compact + begin + rest + b"\r\n")
            for folder, line in (("cats", compact), ("dogs", begin + rest)):
                (path,) = (self.base / folder).glob("*.tmp")
                self.assertEqual(path.read_bytes().splitlines()[-1], line)

    def test_something_between_them(self) -> None:
        """Is no message, and is quoted."""
        self.stream(1)
        line = post(1, self.rule(1)).strip() + b"," + post(2, self.rule(1)).strip()
        self.peer.says(line + b"\r\n")
        (noted,) = self.disk.account("cats", "refused")
        self.assertEqual((noted["reason"], noted["bytes"]), ("not JSON", len(line)))
        self.assertEqual(self.disk.stored("cats"), [])
