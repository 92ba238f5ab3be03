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


class Rates:
    """
    The rates of a session of which `posts` had come before it: of the pings, the updates and the
    log; none in its first seconds, and 0 when it has ceased.
    """

    def __init__(self, posts: int, now: float) -> None:
        self._began_with, self._runs = posts, True
        self._count_from(posts, now)

    def opened(self, posts: int, now: float) -> None:
        """Count the first rates from now on: what the stream had to wait for is no part of them."""
        if posts == self._began_with:
            self._count_from(posts, now)

    def cease(self) -> None:
        """Let the rates be 0 from now on: the session ends."""
        self._runs = False

    def of(self, window: RateWindow, posts: int, now: float) -> str | None:
        """Return the rate since the last time that it was asked for in this window."""
        return window.turn(posts, now) if self._runs else NOTHING_COMES

    def measure(self, posts: int, now: float, seconds: float) -> None:
        """Measure the rate as a ping does, unless that was done within so many seconds."""
        if now - self.ping.since >= seconds:
            self.of(self.ping, posts, now)

    def last(self, posts: int) -> float | None:
        """
        Return the rate of the last ping, in posts a second; None for none yet, and if it was 0 and
        posts have come since.
        """
        told = self.ping.last(posts) if self._runs else NOTHING_COMES
        return None if told is None else float(told)

    def _count_from(self, posts: int, now: float) -> None:
        self.ping = RateWindow(posts, now)
        self.update = RateWindow(posts, now)
        self.glance = RateWindow(posts, now)


class Rated:
    """What counts `posts`, and has `_rates` of them."""

    posts: int
    _rates: Rates

    def opened(self, now: float) -> None:
        """Count the first rates from now on: what the stream had to wait for is no part of them."""
        self._rates.opened(self.posts, now)

    def cease(self) -> None:
        """Let the rates be 0 from now on: the session ends."""
        self._rates.cease()

    def measure(self, now: float, seconds: float) -> None:
        """Measure the rate as a ping does, unless that was done within so many seconds."""
        self._rates.measure(self.posts, now, seconds)

    @property
    def rate(self) -> float | None:
        """The rate that was measured last, in posts a second; None where it says nothing."""
        return self._rates.last(self.posts)

    def glance(self, now: float) -> tuple[int, str | None]:
        """Return how many posts have come since the last rate for the log, and the new rate."""
        new = self.posts - self._rates.glance.posts
        return new, self._rates.of(self._rates.glance, self.posts, now)
