"""
How many posts matched and were not delivered, estimated from v1.1's limit notices.  Pure.

A notice gives the number since the connection began, but as one of several counters sees it, one
for each of Twitter's servers that feed the connection; the notices of all of them come mixed, and
do not say which counter they are from (seen in archives, and told in tweepy #468).  So neither the
last notice nor the sum of all is the number.  A counter never falls: each notice is taken for the
next one of the counter whose last value is nearest below it, and for the first one of a new counter
where all are above it.  The sum of the last values of all counters, over all connections, is the
estimate.
"""

from bisect import bisect_right, insort

MOST = 2**53 - 1
"""The largest number that is believed: beyond it JSON's readers disagree."""


def track_in(message: object) -> object:
    """Return the number in a notice as Twitter gave it; None where there is none."""
    limit = message.get("limit") if isinstance(message, dict) else None
    return limit.get("track") if isinstance(limit, dict) else None


class Undelivered:
    """The estimate for one capture; `posts` is its value now."""

    def __init__(self) -> None:
        self.posts = 0

    def connection(self) -> "Notices":
        """Return the notices of a new connection, which may be open beside others."""
        return Notices(self)


class Notices:
    """The notices of one connection, which begin at 0 and raise the estimate `sum_of_all`."""

    def __init__(self, sum_of_all: Undelivered) -> None:
        self._sum = sum_of_all
        self._counters: list[int] = []

    def take(self, message: object) -> int:
        """
        Take a notice, `{"limit": {"track": 1234, ...}}`, and return the estimate after it.  Any
        other message changes nothing.
        """
        track = track_in(message)
        if type(track) is int and 0 <= track <= MOST:
            below = bisect_right(self._counters, track)
            self._sum.posts += track - (self._counters.pop(below - 1) if below else 0)
            insort(self._counters, track)
        return self._sum.posts
