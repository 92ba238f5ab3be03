"""What people are shown of a post, whatever bytes were stored."""

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert, to_builtins
from twisted.trial.unittest import SynchronousTestCase

from tcclient.control.reports import Glimpse
from tcclient.push.messages import MOST_OF_A_CLIENT, GlimpsesMessage, from_client, written
from tcclient.sources.twitter.glimpsing import MOST_TEXT
from tcclient.sources.twitter_v1.glimpsing import glimpse as v1
from tcclient.sources.twitter_v2.glimpsing import glimpse as v2
from tests.peers import EPOCH, id_made

ID = str(id_made(EPOCH))


class GlimpsingTests(SynchronousTestCase):
    def test_a_post_of_v2(self) -> None:
        """The author stands among the users that came with it; a long text beside the short one."""
        post = {"author_id": "2", "id": ID, "text": "about ca…"}
        users = [{"id": "1", "username": "bob"}, {"id": "2", "username": "ann"}]
        line = {"data": post, "includes": {"users": users}}
        seen = v2(json.dumps(line).encode())
        self.assertEqual((seen.text, seen.author), ("about ca…", "@ann"))
        assert seen.at is not None
        self.assertAlmostEqual(seen.at.timestamp(), EPOCH, 1)
        post["note_tweet"] = {"text": "about cats and dogs"}  # type: ignore[assignment]
        self.assertEqual(v2(json.dumps({"data": post}).encode()).text, "about cats and dogs")

    def test_a_post_of_v1(self) -> None:
        post = {"id_str": ID, "text": "about ca…", "user": {"screen_name": "ann"}}
        seen = v1(json.dumps(post).encode())
        self.assertEqual((seen.text, seen.author), ("about ca…", "@ann"))
        post["extended_tweet"] = {"full_text": "about cats"}
        self.assertEqual(v1(json.dumps(post).encode()).text, "about cats")

    def test_what_lacks_members_or_has_others(self) -> None:
        for read in (v1, v2):
            for value in (None, 1, [], {}, {"data": 1}, {"id": [], "user": 1, "text": {}}):
                self.assertIsNone(read(json.dumps(value).encode()).at)
            odd = {"data": {"id": {}, "text": 1, "author_id": []}, "includes": {"users": [[], {}]}}
            self.assertEqual(read(json.dumps(odd).encode()).author, "")

    def test_a_long_text(self) -> None:
        """It is cut, so that five fit in a message however they are written."""
        post = json.dumps({"data": {"text": "\N{PILE OF POO}" * 5000}}).encode()
        seen = v2(post)
        self.assertEqual((len(seen.text), seen.text[-1]), (MOST_TEXT, "…"))
        worst = Glimpse("\1" * MOST_TEXT, "\1" * 100)
        for one in (seen, worst):
            self.assertLess(len(written(GlimpsesMessage(1, (one,) * 5))), MOST_OF_A_CLIENT)

    @given(st.binary() | st.text().map(lambda text: json.dumps({"data": {"text": text}}).encode()))
    def test_any_bytes(self, line: bytes) -> None:
        """Something is shown of each line, and the other end can read it."""
        for read in (v1, v2):
            seen = read(line)
            self.assertEqual(convert(to_builtins(seen), Glimpse, str_keys=True), seen)
            self.assertEqual(from_client(written(GlimpsesMessage(1, (seen,)))).posts[0], seen)

    def test_half_a_character(self) -> None:
        """Real posts have lone surrogates, which no UTF-8 has."""
        line = b'{"data":{"text":"a \\ud83d b"},"text":"a \\ud83d b"}'
        for read in (v1, v2):
            self.assertEqual(read(line).text, "a ? b")
