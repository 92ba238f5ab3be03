"""What the registry knows of all sources together: how ids are found, and what ledgers can say."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.ledger.vocabulary import COMMON
from tcclient.sources.registry import KINDS, chosen, post_ids, vocabulary
from tcclient.sources.twitter_v1.postids import TWEET_IDS
from tcclient.storage.postids import NotAnObject, id_or_none

IDS = post_ids()


class PostIdTests(SynchronousTestCase):
    """The id of a post, whichever source it is from."""

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
            (b'{"data":{"id":8}}', "8"),
            (b'{"data":{"id":true}}', None),
            (b'{"data":[]}', None),
            (b'{"id":1}', None),
            (b"[1]", None),
            (b"", None),
            (b"{", None),
            (b"\xff", None),
            (b"[" * 100_000, None),
        ):
            self.assertEqual(id_or_none(IDS, line), id, line[:60])

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
            self.assertRaises(NotAnObject, IDS.find, line)
        for line in (b"{}", b'{"data":[]}', b'{"text":"\\ud83d"}'):
            self.assertIsNone(IDS.find(line))

    @given(st.binary())
    def test_anything(self, line: bytes) -> None:
        """Whatever the bytes, it does not raise."""
        self.assertIsInstance(id_or_none(IDS, line), str | None)

    def test_which_comes_first(self) -> None:
        """The ids of the source that the settings have, if it is given; those of v2 otherwise."""
        both = b'{"data":{"id":"3"},"id_str":"1"}'
        self.assertEqual((IDS.find(both), post_ids(TWEET_IDS).find(both)), ("3", "1"))

    def test_when_a_post_was_made(self) -> None:
        """Its id tells, without a word of its source; None where it does not."""
        self.assertEqual(IDS.made_at(str(1449086690724 - 1288834974657 << 22)), 1449086690.724)
        self.assertIsNone(IDS.made_at("x"))


class KindTests(SynchronousTestCase):
    """Which source settings ask for, and what its ledgers say."""

    def test_chosen(self) -> None:
        """v1.1 by its name; v2 for anything else, and where nothing is asked for."""
        documents: tuple[tuple[dict[str, Any], str], ...] = (
            ({"twitter": {"api": "1.1"}}, "twitter_v1"),
            ({"twitter": {"api": "2"}}, "twitter_v2"),
            ({"twitter": {"api": "3"}}, "twitter_v2"),
            ({"twitter": {}}, "twitter_v2"),
            ({"twitter": "1.1"}, "twitter_v2"),
            ({"twitter_auth": {}}, "twitter_v2"),
            ({}, "twitter_v2"),
        )
        for document, name in documents:
            self.assertEqual(chosen(document).name, name, document)

    def test_vocabulary(self) -> None:
        """That of every capture, and the kinds of each source, none of them twice."""
        kinds = vocabulary().kinds
        self.assertLess(COMMON.kinds.keys(), kinds.keys())
        ours = [str(entry.__struct_config__.tag) for kind in KINDS for entry in kind.entries]
        self.assertCountEqual(ours, kinds.keys() - COMMON.kinds.keys())
