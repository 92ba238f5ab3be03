"""Posts that come over two streams of v1.1, and are told apart by their ids."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v1.overlap import MOST_IDS, Overlap
from tcclient.sources.twitter_v1.postids import TWEET_IDS
from tcclient.storage.postids import id_or_none
from tcclient.stream.framing import Overlong
from tests.captures.test_session import a_post


class OverlapTests(SynchronousTestCase):
    """Which posts have come before."""

    def test_ids(self) -> None:
        """Of posts, wherever it stands; of nothing else."""
        table: tuple[tuple[bytes, str | None], ...] = (
            (b'{"user":{"id_str":"5"},"id_str":"1","text":""}', "1"),
            (b'{"id_str":"2","text":"\\ud83d","user":{}}', "2"),
            (b'{"id_str":3}', None),
            (b'{"delete":{"status":{"id_str":"4"}}}', None),
            (b"[1]", None),
            (b"\xff", None),
            (b"nonsense", None),
        )
        for line, found in table:
            self.assertEqual(id_or_none(TWEET_IDS, line), found, line)

    def test_bounded(self) -> None:
        """The oldest ids are forgotten."""
        overlap = Overlap()
        posts = [a_post(number).strip() for number in range(MOST_IDS + 1)]
        self.assertEqual(len(overlap.new_among([*posts])), len(posts))
        self.assertEqual(overlap.new_among([posts[-1], posts[0]]), [posts[0]])
        self.assertEqual(overlap.twice, 1)

    def test_what_is_too_long(self) -> None:
        """Has no id that is known."""
        long = Overlong(2_000_000, b'{"id_str":"1"')
        self.assertEqual(Overlap().new_among([long, long]), [long, long])
