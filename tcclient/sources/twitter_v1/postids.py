"""Where a tweet of v1.1 has its id.  Pure."""

import msgspec

from tcclient.sources.twitter.ids import SnowflakeIds


class _Tweet(msgspec.Struct):
    """The one member of a tweet that its id is read from."""

    id_str: str | None = None


TWEET_IDS = SnowflakeIds(_Tweet, lambda tweet: tweet.id_str, "id_str")
"""Finds the ids of v1.1's posts."""
