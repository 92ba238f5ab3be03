"""Where a tweet of v1.1 has its id.  Pure."""

import json
import re

import msgspec

from tcclient.sources.twitter.ids import SnowflakeIds
from tcclient.storage.postids import NotAnObject, id_or_none


class _Tweet(msgspec.Struct):
    """The one member of a tweet that its id is read from."""

    id_str: str | None = None


_decoder = msgspec.json.Decoder(_Tweet)


class TweetIds(SnowflakeIds):
    """Finds the ids of v1.1's posts."""

    def find(self, line: bytes) -> str | None:
        """
        Return the id in a line; None where it is missing or not a string.  Raises NotAnObject for a
        line that is no JSON object.

        The line is decoded, not searched: users and quoted posts have members of the same name.
        """
        try:
            return _decoder.decode(line).id_str
        except (ValueError, RecursionError):
            return _find_slowly(line)


def _find_slowly(line: bytes) -> str | None:
    """Find the id where msgspec cannot: it refuses lone surrogates, which real posts have."""
    try:
        # An int of Python has a limit to its digits, which msgspec has not.
        found: object = json.loads(line.decode("utf-8"), parse_int=float)
    except (ValueError, RecursionError) as e:
        raise NotAnObject from e
    if not isinstance(found, dict):
        raise NotAnObject
    post_id = found.get("id_str")
    return post_id if isinstance(post_id, str) else None


TWEET_IDS = TweetIds()

_HEAD = re.compile(rb'\{"created_at":"[^"\\]*","id":[0-9]+,"id_str":"([0-9]+)"').match
"""Matches how Twitter begins a tweet."""


def tweet_id(line: bytes) -> str | None:
    """Return the id in a line as find() does, sooner, for one that is known to be a tweet."""
    head = _HEAD(line)
    return head[1].decode() if head else id_or_none(TWEET_IDS, line)
