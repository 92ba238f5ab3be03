"""
What a capture has taken in, and what to tell the server about it.  Pure; takes the time.

total = base + posts: `base` is what the server held before this client's files, `posts` counts the
lines in them.  `settled` is how many of the posts the server has been told as `count`.
"""

import math

import attrs

MOST_TOTAL = 2**31 - 1
"""The server keeps totals in 32 signed bits."""
MOST_RATE = 99_999_999
"""In 1/1000 posts per second: the server keeps five digits before the point, three behind."""


@attrs.frozen
class Counters:
    """The numbers that outlive the process, as the ledger keeps them: base, posts, settled."""

    base: int = 0
    posts: int = 0
    settled: int = 0


@attrs.frozen
class CountUpdate:
    """An `update/` as it was sent, and how many posts it settles if the server took it."""

    count: int
    total: int
    rate: str
    posts: int


@attrs.define
class _Window:
    """Counts from a moment on, for a rate."""

    posts: int
    since: float

    def rate(self, posts: int, now: float) -> str:
        elapsed = now - self.since
        thousandths = 0
        if elapsed > 0:
            thousandths = math.floor(min((posts - self.posts) * 1000 / elapsed, MOST_RATE))
        return f"{thousandths // 1000}.{thousandths % 1000:03d}"


class Tally:
    """The counts of one job, over all its sessions."""

    def __init__(self, counters: Counters, now: float) -> None:
        self.base = counters.base
        self.posts = counters.posts
        self.settled = counters.settled
        # The answer to the last update before a restart may never have been seen.  Where every post
        # had been settled, the server's newest update is not in doubt, and may be another client's.
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
        return Counters(self.base, self.posts, self.settled)

    def resume(self, now: float) -> None:
        """A session begins: the rates count from now on."""
        self._ping = _Window(self.posts, now)
        self._update = _Window(self.posts, now)
        self._glance = _Window(self.posts, now)

    def rebase(self, server_total: int | None) -> int:
        """
        Take the server's number.  Where it is above ours, others have captured for this job: the
        base rises.  Returns by how much; 0 when ours stands.
        """
        more = (server_total or 0) - (self.base + self.posts)
        if more <= 0:
            return 0
        self.base += more
        return more

    def ping(self, now: float) -> tuple[int, str]:
        """(total, rate since the last ping), and a new window begins."""
        report = self.total, self._ping.rate(self.posts, now)
        self._ping = _Window(self.posts, now)
        return report

    def glance(self, now: float) -> tuple[int, str]:
        """(posts, rate) since the last glance, for the log."""
        new = self.posts - self._glance.posts
        rate = self._glance.rate(self.posts, now)
        self._glance = _Window(self.posts, now)
        return new, rate

    def update(self, now: float) -> CountUpdate:
        """
        The next update: what the server has not accepted yet.  Its answer goes into accepted() or
        rejected(); until then it is unsettled.
        """
        count = max(0, self.posts - self.settled)
        self._sent = CountUpdate(count, self.total, self._update.rate(self.posts, now), self.posts)
        self.unsettled = True
        self._update = _Window(self.posts, now)
        return self._sent

    def accepted(self, update: CountUpdate) -> None:
        """The server has taken `update`."""
        self.settled = max(self.settled, update.posts)
        self.unsettled = False

    def rejected(self) -> None:
        """The server has certainly not taken the last update."""
        self.unsettled = False

    def settle(self, recent_total: int | None) -> None:
        """
        Decide from the server's newest update whether the one whose answer was not seen arrived.
        After a restart it is recognised by a total between ours then and ours now.
        """
        self.unsettled = False
        if recent_total is None:
            return
        if self._sent is not None and recent_total == self._sent.total:
            self.settled = max(self.settled, self._sent.posts)
        elif self.base + self.settled < recent_total <= self.total:
            self.settled = recent_total - self.base
