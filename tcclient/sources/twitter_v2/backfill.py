"""
Backfill: how many missed minutes to ask X for.  Pure; takes the time.

X gives backfill on its Enterprise plan only, up to five minutes of it, and does not remove what was
delivered before (its page "Recovery and redundancy"); `repeats` does.
"""

import math

MOST_MINUTES = 5
"""How many minutes X gives at most."""


class Backfill:
    """
    What is known of the last minutes of one stream; `is_wanted` is the setting, until X refuses.
    `asked` is how many minutes the present connection was opened with, None for none.
    """

    def __init__(self, wanted: bool) -> None:
        self.asked: int | None = None
        self.is_wanted = wanted
        self._missing_since: float | None = None

    def resume(self, missed: float | None, now: float) -> None:
        """
        Take up a capture of which an earlier process has missed posts for so many seconds, None for
        none; `now` is in seconds.
        """
        if missed is not None:
            known = now if self._missing_since is None else self._missing_since
            self._missing_since = min(now - missed, known)

    def heard(self, now: float) -> None:
        """Note that something came at `now`, in seconds."""
        self._missing_since = now

    def slept(self, seconds: float) -> None:
        """Note that the machine slept: so much more is missed than the clock of `now` says."""
        if self._missing_since is not None:
            self._missing_since -= seconds

    def closed(self) -> None:
        """Note that the stream was closed on purpose: nothing is missed until it opens again."""
        self._missing_since = None

    def refused(self) -> None:
        """Never ask again: X does not give backfill to this app."""
        self.is_wanted = False

    def minutes(self, now: float) -> int:
        """Return the minutes to ask for; 0 where nothing is missed, or backfill not wanted."""
        if not self.is_wanted or self._missing_since is None:
            return 0
        return min(max(math.ceil((now - self._missing_since) / 60), 1), MOST_MINUTES)
