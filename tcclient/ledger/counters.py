"""
Counts the posts of a capture, and says what to tell the server about them.  Pure; takes the time.

total = base + posts: `base` is the server's total before this client's files, `posts` counts the
lines in them.  `settled` is how many of the posts the server has been told of as `count`.
"""

import math

from msgspec import Struct

MOST_TOTAL = 2**31 - 1
"""The server keeps totals in 32 signed bits."""
MOST_RATE = 99_999_999
"""In 1/1000 posts per second: the server keeps five digits before the point, three behind it."""


class Counters(Struct, frozen=True):
    """The numbers of a job that outlive the process, as the ledger has them in `account`."""

    base: int = 0
    posts: int = 0
    settled: int = 0


class CountUpdate(Struct, frozen=True):
    """
    What was sent to `update/`, and `posts`: how many are settled in all once the server took it.
    """

    count: int
    total: int
    rate: str
    posts: int


class _Window(Struct):
    """The beginning of a time for which a rate is reported: the posts by then, and when it was."""

    posts: int
    since: float

    def turn(self, posts: int, now: float) -> tuple[int, str]:
        """
        Return how many posts came since then, and how many a second, with three digits behind the
        point.  The next time begins now.
        """
        new, elapsed, thousandths = posts - self.posts, now - self.since, 0
        if elapsed > 0:
            thousandths = math.floor(min(new * 1000 / elapsed, MOST_RATE))
        self.posts, self.since = posts, now
        return new, f"{thousandths // 1000}.{thousandths % 1000:03d}"


class Tally:
    """
    The counters of one job, over all its sessions, and the rates of the present one.  `unsettled`
    is whether the answer to the newest update is not known.
    """

    def __init__(self, counters: Counters, now: float) -> None:
        self.base = counters.base
        self.posts = counters.posts
        self.settled = counters.settled
        # The answer to the last update before a restart may never have been seen.  If every post
        # was settled, the server's newest update is not in doubt, and may be another client's.
        self.unsettled = counters.posts > counters.settled
        self._sent: CountUpdate | None = None
        self._ping = _Window(self.posts, now)
        self._update = _Window(self.posts, now)
        self._glance = _Window(self.posts, now)

    @property
    def total(self) -> int:
        """base + posts, as far as the server can hold it."""
        return min(self.base + self.posts, MOST_TOTAL)

    @property
    def counters(self) -> Counters:
        """The numbers as the ledger has them."""
        return Counters(self.base, self.posts, self.settled)

    def resume(self, now: float) -> None:
        """Count the rates from now on: a session begins."""
        self._ping = _Window(self.posts, now)
        self._update = _Window(self.posts, now)
        self._glance = _Window(self.posts, now)

    def rebase(self, server_total: int | None) -> int:
        """
        Take the server's total.  If it is above ours, others have captured for this job, and the
        base rises.  Return by how much, 0 if it does not.
        """
        more = (server_total or 0) - (self.base + self.posts)
        if more <= 0:
            return 0
        self.base += more
        return more

    def ping(self, now: float) -> tuple[int, str]:
        """Return the total, and the rate since the last ping."""
        return self.total, self._ping.turn(self.posts, now)[1]

    def glance(self, now: float) -> tuple[int, str]:
        """Return how many posts have come since the last glance, and their rate, for the log."""
        return self._glance.turn(self.posts, now)

    def update(self, now: float) -> CountUpdate:
        """
        Return the next update, with the posts that the server has not accepted yet.  It is
        unsettled until accepted() or rejected() is called with the server's answer.
        """
        count = max(0, self.posts - self.settled)
        _, rate = self._update.turn(self.posts, now)
        self._sent = CountUpdate(count, self.total, rate, self.posts)
        self.unsettled = True
        return self._sent

    def accepted(self, update: CountUpdate) -> None:
        """Note that the server has taken `update`."""
        self.settled = max(self.settled, update.posts)
        self.unsettled = False

    def rejected(self) -> None:
        """Note that the server has certainly not taken the last update."""
        self.unsettled = False

    def settle(self, recent_total: int | None) -> None:
        """
        Decide by the total of the server's newest update whether the server has taken the update
        whose answer was not seen.  After a restart that update is recognised by a total between
        what was settled and what is stored.
        """
        self.unsettled = False
        if recent_total is None:
            return
        if self._sent is not None and recent_total == self._sent.total:
            self.settled = max(self.settled, self._sent.posts)
        elif self.base + self.settled < recent_total <= self.total:
            self.settled = recent_total - self.base
