"""
How many posts come while a stream is lively, and how many bytes captures take in a day.  Pure.

Knows numbers that only rise, and when they were looked at; does not know what counts them.
"""

from collections import deque

LIVELY = 7200.0
"""Seconds before the last post by which the rate of a lively stream is told."""

DAY = 86400.0

LEAST = 60.0
"""Seconds for which posts must have come before their rate says something."""

LEAST_OF_A_DAY = 3600.0
"""Seconds after which it can be told how many bytes a day brings."""


class Samples:
    """
    What a counter showed at the looks within `seconds`, of which no more are kept than are needed
    to tell a rate to about a hundredth.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: deque[tuple[float, int]] = deque()
        self._last: tuple[float, int] | None = None

    def add(self, now: float, count: int) -> None:
        """Take what the counter shows now."""
        if not self._kept or now - self._kept[-1][0] >= self._seconds / 100:
            self._kept.append((now, count))
        while len(self._kept) > 1 and self._kept[1][0] <= now - self._seconds:
            self._kept.popleft()
        self._last = now, count

    def rate(self, least: float) -> float | None:
        """Return by how much it rises in a second; None if that was seen for less than `least`."""
        if self._last is None:
            return None
        elapsed = self._last[0] - self._kept[0][0]
        return None if elapsed < least else (self._last[1] - self._kept[0][1]) / elapsed


class Liveliness:
    """
    The rate of a stream while posts come, which stays as it is when none come any more, and since
    when none do.
    """

    def __init__(self, now: float) -> None:
        self._samples = Samples(LIVELY)
        self._posts: int | None = None
        self._heard = now  # when a post came last, or the stream was last not heard

    def look(self, now: float, posts: int, *, is_heard: bool) -> None:
        """
        Take how many `posts` have come by now.  Where the stream is not heard, none can come, and
        silence has no meaning.
        """
        if posts != self._posts:
            self._samples.add(now, posts)
            self._posts = posts
            self._heard = now
        elif not is_heard:
            self._heard = now

    @property
    def rate(self) -> float:
        """Posts a second while they came; 0.0 if that is not known."""
        return self._samples.rate(LEAST) or 0.0

    def silent(self, now: float) -> float:
        """Return for how many seconds no post has come though the stream was heard."""
        return now - self._heard


class DailyBytes:
    """The bytes that captures take in a day, by the last day; captures come and go."""

    def __init__(self) -> None:
        self._samples = Samples(DAY)
        self._total = 0
        self._seen: dict[int, int] = {}

    def look(self, now: float, by_job: dict[int, int]) -> None:
        """Take how many bytes the captures that there are have written by now, by their jobs."""
        for job, written in by_job.items():
            before = self._seen.get(job, 0)
            self._total += written - before if written >= before else written
        self._seen = by_job
        self._samples.add(now, self._total)

    @property
    def rate(self) -> float | None:
        """Bytes a day; None if that is not known."""
        a_second = self._samples.rate(LEAST_OF_A_DAY)
        return None if a_second is None else a_second * DAY
