"""Where a tweet of v1.1 has its id.  Pure."""

import msgspec

from tcclient.sources.twitter.ids import SnowflakeIds


class _Tweet(msgspec.Struct):
    """What has to be read of a tweet to know its id."""

    id_str: str | None = None


TWEET_IDS = SnowflakeIds(_Tweet, lambda tweet: tweet.id_str, "id_str")
