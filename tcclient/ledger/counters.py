"""
Counts the posts of a capture, and says what to tell the server about them.  Pure; takes the time.

total = base + posts: `base` is what others have captured for the job, `posts` counts the lines in
this client's files.  `settled` is how many of the posts the server has been told of as `count`.

A job may go from client to client, and back.  Whoever gets it builds on the server's total, and may
do so before the last update of the one who had it is there.  That update is heard of later, and the
base then rises by what it tells of more than was known.
"""

import math
from collections import deque
from collections.abc import Collection, Sequence

import attrs
from msgspec import UNSET, Struct, UnsetType

MOST_TOTAL = 2**31 - 1
"""The server keeps totals in 32 signed bits."""
MOST_RATE = 99_999_999
"""In 1/1000 posts per second: the server keeps five digits before the point, three behind it."""
SHORTEST = 3.0
"""Seconds for which a rate says something."""
NOTHING_COMES = "0.000"
NUMBERS = ("base", "posts", "settled")
"""The members of Counters that all clients write."""
_REMEMBERED = 64
"""So many totals of our own updates are known when the server shows them; one each 30 s."""


Row = tuple[int | None, int | None, str | None]
"""Count, total and rate of an update, as the server shows it; a job does not show the count."""


class CountUpdate(Struct, frozen=True):
    """
    What was sent to `update/`, and `posts`: how many are settled in all once the server took it.
    """

    count: int
    total: int
    rate: str | None
    posts: int


@attrs.frozen
class Counters:
    """
    The numbers of a job that outlive the process, as the ledger has them in `account`.  `sent` is
    the update whose answer is not known, None if there is none.  The server has at least `told` as
    total.  Both are UNSET where they were not noted, as by older clients.
    """

    base: int = 0
    posts: int = 0
    settled: int = 0
    sent: CountUpdate | UnsetType | None = attrs.field(default=UNSET, eq=False)
    told: int | UnsetType = attrs.field(default=UNSET, eq=False)


@attrs.define
class _Window:
    """
    A time for which a rate is reported: the posts before it, when it began, and the rate before it,
    None if there is none.
    """

    posts: int
    since: float
    rate: str | None = None

    def turn(self, posts: int, now: float) -> str | None:
        """
        Return how many posts a second came since then, with three digits behind the point, and let
        the next time begin.  Before SHORTEST seconds are over return what was returned last, but
        None if that was 0 and posts have come since.
        """
        elapsed = now - self.since
        if elapsed >= SHORTEST:
            thousandths = math.floor(min((posts - self.posts) * 1000 / elapsed, MOST_RATE))
            self.rate = f"{thousandths // 1000}.{thousandths % 1000:03d}"
            self.posts, self.since = posts, now
        elif self.rate == NOTHING_COMES and posts > self.posts:
            return None
        return self.rate


class Tally:
    """
    The counters of one job, over all its sessions, and the rates of the present one: none in its
    first seconds, and 0 when there is no session.  The base is `in_doubt` if it is not known on
    what another client's newest update builds.
    """

    def __init__(self, counters: Counters, now: float) -> None:
        self.base = counters.base
        self.posts = counters.posts
        self.settled = counters.settled
        self._sent = counters.sent if isinstance(counters.sent, CountUpdate) else None
        # What an older client sent last is not known: its answer may never have been seen.
        self._doubtful = counters.sent is UNSET and counters.posts > counters.settled
        self._own = deque([self._sent.total] if self._sent else [], _REMEMBERED)
        self._tried = self.base + self.posts  # the highest total that the server may have of us
        self._told = counters.told if isinstance(counters.told, int) else self._tried
        self.in_doubt = False
        self.resume(now)
        self.cease()

    @property
    def total(self) -> int:
        """base + posts, as far as the server can hold it."""
        return min(self.base + self.posts, MOST_TOTAL)

    @property
    def counters(self) -> Counters:
        """The numbers as the ledger has them."""
        sent = UNSET if self._doubtful else self._sent
        return Counters(self.base, self.posts, self.settled, sent, self._told)

    @property
    def unsettled(self) -> bool:
        """Whether it is not known if the server has taken the posts of the newest update."""
        return self._doubtful or (self._sent is not None and self._sent.count > 0)

    def resume(self, now: float) -> None:
        """Count the rates from now on: a session begins."""
        self._running, self._began_with = True, self.posts
        self._count_from(now)
        self._before = min(self.posts, self._told - self.base)  # of these others knew
        self._heard: int | None = None

    def opened(self, now: float) -> None:
        """Count the first rates from now on: what the stream had to wait for is no part of them."""
        if self.posts == self._began_with:
            self._count_from(now)

    def _count_from(self, now: float) -> None:
        self._ping = _Window(self.posts, now)
        self._update = _Window(self.posts, now)
        self._glance = _Window(self.posts, now)

    def cease(self) -> None:
        """Let the rates be 0 from now on: the session ends."""
        self._running = False

    def rebase(self, server_total: int | None, rows: Sequence[Row] = ()) -> int:
        """
        Take the server's total, and the job's newest updates, the last one last.  If they tell of
        posts that others have captured and that are not known here, the base rises.  Return by how
        much.  Nothing is taken while the base is `in_doubt`: until the updates have their counts.
        """
        before = self.base
        self.in_doubt = bool(rows) and not self._hear(rows)
        if not self.in_doubt:
            self.base += max(0, (server_total or 0) - (self.base + self.posts))
            self.told(server_total or 0)
        return self.base - before

    def _hear(self, rows: Sequence[Row]) -> bool:
        """
        Raise the base by what another client has counted more than what it had built on.  Return
        whether that is known.
        """
        count, total, _ = rows[-1]
        if total is not None and total != self._heard and total not in self._own:
            ours = since = self.base + self._before
            if total >= self._told and self._tried > since:
                if count is None:
                    return False
                # Who had the job before us may report the last of it late.  Otherwise the job was
                # elsewhere and came back, and they have built on what we had told.
                built_on = self._built_on(rows)
                if built_on >= self._told:
                    ours, self._before = min(built_on, self._tried), self.posts
            self.base += max(0, total - ours)
            self.told(total)
        self._heard = total
        return True

    def _built_on(self, rows: Sequence[Row]) -> int:
        """Return the total on which the client built that has sent the last one of `rows`."""
        begin = rows[-1][1] or 0
        for count, total, _ in reversed(rows):
            if total == begin and total not in self._own:
                begin -= count or 0
        return begin

    def told(self, total: int) -> None:
        """Note that the server has `total`, at least."""
        self._told = max(self._told, total)
        self._tried = max(self._tried, total)

    def ping(self, now: float) -> tuple[int, str | None]:
        """Return the total, and the rate since the last ping."""
        self._tried = max(self._tried, self.total)
        return self.total, self._rate(self._ping, now)

    def glance(self, now: float) -> tuple[int, str | None]:
        """Return how many posts have come since the last rate for the log, and the new rate."""
        new = self.posts - self._glance.posts
        return new, self._rate(self._glance, now)

    def _rate(self, window: _Window, now: float) -> str | None:
        return window.turn(self.posts, now) if self._running else NOTHING_COMES

    def update(self, now: float) -> CountUpdate:
        """
        Return the next update, with the posts that the server has not accepted yet.  It is
        unsettled until accepted() or rejected() is called with the server's answer.
        """
        count = max(0, self.posts - self.settled)
        rate = self._rate(self._update, now)
        self._sent, self._doubtful = CountUpdate(count, self.total, rate, self.posts), False
        self._own.append(self.total)
        self._tried = max(self._tried, self.total)
        return self._sent

    def accepted(self, update: CountUpdate) -> None:
        """Note that the server has taken `update`."""
        self.settled = max(self.settled, update.posts)
        self._sent = None
        self.told(update.total)

    def rejected(self) -> None:
        """Note that the server has certainly not taken the last update."""
        self._sent = None

    def _is_in(self, rows: Collection[Row]) -> bool:
        """Return whether the update whose answer was not seen is among `rows`."""
        sent = self._sent
        return sent is not None and any(
            (total, rate) == (sent.total, sent.rate) and count in (None, sent.count)
            for count, total, rate in rows
        )

    def settle(self, rows: Sequence[Row]) -> None:
        """
        Decide by the job's newest updates, the last one last, whether the server has taken the one
        whose answer was not seen.  One that was not noted is recognised by a total between what was
        settled and what is stored.
        """
        newest = rows[-1][1] if rows else None
        if self._sent is not None and self._is_in(rows):
            self.settled = max(self.settled, self._sent.posts)
            self.told(self._sent.total)
        elif self._doubtful and self.base + self.settled < (newest or 0) <= self.total:
            self.settled = (newest or 0) - self.base
        self._sent, self._doubtful = None, False
