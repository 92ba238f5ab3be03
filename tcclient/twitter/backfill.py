"""
Asking X for what was missed: how many minutes, and which posts have been seen already.  Pure.

X gives backfill on its Enterprise plan only, up to five minutes of it, and does not remove what
was delivered before (its page "Recovery and redundancy").
"""

import math

from tcclient.feeds.recent import Recent

MOST_MINUTES = 5
MOST_IDS = 500_000
"""Ids that are remembered at the most: five minutes at 1,600 posts a second."""


class Backfill:
    """
    What is known of one stream's last minutes; `wanted` is the setting.  `asked` is how many of
    them the connection that there is was asked for, None where for none.
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self.asked: int | None = None
        self._heard: float | None = None
        self._recent = Recent(MOST_IDS)

    @property
    def on(self) -> bool:
        """Whether it is wanted, and X has not refused it."""
        return self._wanted

    def heard(self, now: float) -> None:
        """Something came at `now` (epoch seconds)."""
        self._heard = now

    def minutes(self, now: float) -> int:
        """How many minutes to ask for; 0 before anything has come, or where it is not wanted."""
        if not self._wanted or self._heard is None:
            return 0
        return min(max(math.ceil((now - self._heard) / 60), 1), MOST_MINUTES)

    def closed(self) -> None:
        """The stream was closed on purpose: what comes until it is opened again is not missed."""
        self._heard = None

    def refused(self) -> None:
        """X does not give it to this app: it is not asked for again."""
        self._wanted = False
        self._recent.forget()

    def is_new(self, post_id: str) -> bool:
        """Whether the post has not come before; asked once for each post that comes."""
        return not self._wanted or self._recent.is_new(post_id)
