"""The ids of Twitter's posts, as each API has them, and when a post was made by its id."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v1.postids import TWEET_IDS
from tcclient.sources.twitter_v2.envelopes import POST_IDS


class PlaceTests(SynchronousTestCase):
    """Where a line has its post's id."""

    def test_each_api_has_its_own(self) -> None:
        """What stands at the other's place is none."""
        for line, tweet, post in (
            (b'{"user":{"id_str":"2"},"id_str":"1"}', "1", None),
            (b'{"data":{"id":"3"}}', None, "3"),
            (b'{"data":{"id":"3","text":"\\ud83d"},"id_str":"1"}', "1", "3"),
            (b'{"data":{"id":3},"id_str":1}', None, "3"),
            (b'{"id":"4"}', None, None),
        ):
            self.assertEqual((TWEET_IDS.find(line), POST_IDS.find(line)), (tweet, post), line)


class TimeTests(SynchronousTestCase):
    """The time in an id."""

    def test_when_a_post_was_made(self) -> None:
        """Twitter's ids have the millisecond in them since November 2010."""
        for ids in (TWEET_IDS, POST_IDS):
            # The post of 2 December 2015, 20:04:50 UTC, and one before there were times in ids.
            at = ids.made_at(str(1449086690724 - 1288834974657 << 22))
            self.assertEqual(at, 1449086690.724)
            for identity in ("20", "", "x", "²", "9" * 30):
                self.assertIsNone(ids.made_at(identity), identity)
