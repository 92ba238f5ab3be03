"""
Drops the posts that come a second time, while two streams may bring the same.  Pure.

Knows posts by their ids, which are remembered for that time only; knows neither streams nor clocks.
"""

from tcclient.sources.recent import Recent
from tcclient.sources.twitter_v1.postids import TWEET_IDS
from tcclient.storage.postids import id_or_none
from tcclient.stream.framing import Overlong

MOST_IDS = 50_000
"""How many ids are remembered: those of ten seconds at 5,000 posts a second."""


class Overlap:
    """
    Drops the posts that come a second time.  `twice` is how many that were; `until` is when no more
    of them can come, in seconds of the clock of whoever sets it, None as long as that is unknown.
    """

    def __init__(self) -> None:
        self.until: float | None = None
        self.twice = 0
        self._recent = Recent(MOST_IDS)

    def new_among(self, messages: list[bytes | Overlong]) -> list[bytes | Overlong]:
        """Return the messages without the posts that have come before."""
        new = [message for message in messages if self._is_new(message)]
        self.twice += len(messages) - len(new)
        return new

    def _is_new(self, message: bytes | Overlong) -> bool:
        post_id = None if isinstance(message, Overlong) else id_or_none(TWEET_IDS, message)
        return post_id is None or self._recent.is_new(post_id)
