"""The id of a post, from its line, and when the post was made."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.storage.postids import NotAnObject, checked_id, made_at, post_id


class PostIdTests(SynchronousTestCase):
    def test_table(self) -> None:
        """A line -> the id, None where there is none that is text."""
        for line, id in (
            (b'{"id":1,"id_str":"1","text":"x","user":{"id_str":"2"}}', "1"),
            (b'{"data":{"id":"3","text":"x"},"includes":{"users":[{"id":"4"}]}}', "3"),
            (b'{"data":{"id":"3"},"id_str":"1"}\r', "3"),
            (b'{"text":"\\ud83d","id_str":"5"}', "5"),
            (b'{"data":{"text":"\\ud83d","id":"6"}}', "6"),
            (b'{"id":' + b"9" * 5000 + b',"text":"\\ud83d","id_str":"7"}', "7"),
            (b'{"id_str":8}', None),
            (b'{"data":{"id":8}}', None),
            (b'{"data":[]}', None),
            (b'{"id":1}', None),
            (b"[1]", None),
            (b"", None),
            (b"{", None),
            (b"\xff", None),
            (b"[" * 100_000, None),
        ):
            self.assertEqual(post_id(line), id, line[:60])

    def test_what_is_no_object(self) -> None:
        """Who wants to know is told; an object without an id is one all the same."""
        for line in (
            b'{"id_str":"1"',
            b'{"data":{}}}',
            b"[1]",
            b"null",
            b"",
            b"\xff",
            b"[" * 10**5,
        ):
            self.assertRaises(NotAnObject, checked_id, line)
        for line in (b"{}", b'{"data":[]}', b'{"text":"\\ud83d"}'):
            self.assertIsNone(checked_id(line))

    @given(st.binary())
    def test_anything(self, line: bytes) -> None:
        """Whatever the bytes, it does not raise."""
        self.assertIsInstance(post_id(line), str | None)


class TimeTests(SynchronousTestCase):
    def test_when_a_post_was_made(self) -> None:
        """Twitter's ids have the millisecond in them since November 2010."""
        # The post of 2 December 2015, 20:04:50 UTC, and one before there were times in ids.
        at = made_at(str(1449086690724 - 1288834974657 << 22))
        self.assertEqual(at, 1449086690.724)
        for identity in ("20", "", "x", "²", "9" * 30):
            self.assertIsNone(made_at(identity), identity)
