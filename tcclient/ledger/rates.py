"""
How many posts a second come, for each of those who ask at their own times.  Pure; takes the time.
"""

import math

from msgspec import Struct

MOST_RATE = 99_999_999
"""In 1/1000 posts per second: the server keeps five digits before the point, three behind it."""
SHORTEST = 3.0
"""Seconds for which a rate says something."""
NOTHING_COMES = "0.000"


class RateWindow(Struct):
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
        the next time begin.  Before SHORTEST seconds are over return what last() does.
        """
        elapsed = now - self.since
        if elapsed >= SHORTEST:
            thousandths = math.floor(min((posts - self.posts) * 1000 / elapsed, MOST_RATE))
            self.rate = f"{thousandths // 1000}.{thousandths % 1000:03d}"
            self.posts, self.since = posts, now
        return self.last(posts)

    def last(self, posts: int) -> str | None:
        """Return what was returned last, but None if that was 0 and posts have come since."""
        return None if self.rate == NOTHING_COMES and posts > self.posts else self.rate


class Rated:
    """
    What counts `posts`, and the rates of a session: those of the pings, the updates and the log;
    none in its first seconds, and 0 when it has ceased.
    """

    posts: int

    def resume(self, now: float) -> None:
        """Count the rates from now on: a session begins."""
        self._began_with, self._runs = self.posts, True
        self._count_from(now)

    def opened(self, now: float) -> None:
        """Count the first rates from now on: what the stream had to wait for is no part of them."""
        if self.posts == self._began_with:
            self._count_from(now)

    def cease(self) -> None:
        """Let the rates be 0 from now on: the session ends."""
        self._runs = False

    def measure(self, now: float, seconds: float) -> None:
        """Measure the rate as a ping does, unless that was done within so many seconds."""
        if now - self._pings.since >= seconds:
            self._rate(self._pings, now)

    @property
    def rate(self) -> float | None:
        """
        The rate of the last ping, in posts a second; None for none yet, and if it was 0 and posts
        have come since.
        """
        told = self._pings.last(self.posts) if self._runs else NOTHING_COMES
        return None if told is None else float(told)

    def glance(self, now: float) -> tuple[int, str | None]:
        """Return how many posts have come since the last rate for the log, and the new rate."""
        new = self.posts - self._glances.posts
        return new, self._rate(self._glances, now)

    def _rate(self, window: RateWindow, now: float) -> str | None:
        """Return the rate since the last time that it was asked for in this window."""
        return window.turn(self.posts, now) if self._runs else NOTHING_COMES

    def _count_from(self, now: float) -> None:
        self._pings, self._updates, self._glances = (RateWindow(self.posts, now) for _ in range(3))
