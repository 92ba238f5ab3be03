"""
The posts that come while two streams may bring the same ones.  Pure.

Posts are told apart by their ids, which are remembered for that time only.
"""

from tcclient.sources.recent import Recent
from tcclient.sources.twitter_v1.postids import TWEET_IDS
from tcclient.storage.postids import id_or_none
from tcclient.stream.framing import Overlong

MOST_IDS = 50_000
"""Ids that are remembered: ten seconds at 5,000 posts a second."""


class Overlap:
    """`twice` is how many posts have come that had come before; `until` when no more of them can,
    in the seconds of whoever sets it, None as long as that cannot be said."""

    def __init__(self) -> None:
        self.until: float | None = None
        self.twice = 0
        self._recent = Recent(MOST_IDS)

    def new_among(self, messages: list[bytes | Overlong]) -> list[bytes | Overlong]:
        """The messages without the posts that have come before."""
        new = [message for message in messages if self._is_new(message)]
        self.twice += len(messages) - len(new)
        return new

    def _is_new(self, message: bytes | Overlong) -> bool:
        post_id = None if isinstance(message, Overlong) else id_or_none(TWEET_IDS, message)
        return post_id is None or self._recent.is_new(post_id)
