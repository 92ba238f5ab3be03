"""
How many posts matched and were not delivered, estimated from v1.1's limit notices.  Pure.

A notice has the number since the connection began, but that of one of several counters, one for
each of Twitter's servers that feed the connection; the notices of all come mixed, and do not say
whose they are (seen in archives, and told in tweepy #468).  So neither the last notice nor the sum
of all is the number.  A counter never falls: each notice is taken for the next one of the counter
that is nearest below it, and where all are above it for a new one's first.  The last values of all
counters, over all connections, are the estimate.
"""

from bisect import bisect_right, insort

MOST = 2**53 - 1
"""The largest number that is believed: beyond it JSON's readers disagree."""


class Undelivered:
    """The estimate for one capture."""

    def __init__(self) -> None:
        self.posts = 0

    def connection(self) -> "Notices":
        """Those of a new connection, which may be open beside others."""
        return Notices(self)


class Notices:
    """The notices of one connection: its counters begin at 0."""

    def __init__(self, sum_of_all: Undelivered) -> None:
        self._sum = sum_of_all
        self._counters: list[int] = []

    def take(self, message: object) -> int:
        """The estimate after a notice, `{"limit": {"track": 1234, ...}}`; others change nothing."""
        limit = message.get("limit") if isinstance(message, dict) else None
        track = limit.get("track") if isinstance(limit, dict) else None
        if type(track) is int and 0 <= track <= MOST:
            below = bisect_right(self._counters, track)
            self._sum.posts += track - (self._counters.pop(below - 1) if below else 0)
            insort(self._counters, track)
        return self._sum.posts
