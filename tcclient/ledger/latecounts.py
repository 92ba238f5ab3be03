"""
How far the posts of a job had come when the server was to be told, and was not.  Pure.

Knows when an update was due; knows no server.
"""

from msgspec import Struct

MOST = 120
"""So many are kept at most; beyond that every second one is left out."""


class Reached(Struct, frozen=True):
    """That there were so many posts, at a time by the same clock as others'."""

    posts: int
    at: float


class LateCounts:
    """What was there each time that an update was due."""

    def __init__(self) -> None:
        self._due: list[Reached] = []
        self._newest = 0.0

    def due(self, posts: int, now: float) -> None:
        """Note that an update is due."""
        self._newest = now
        self._due.append(Reached(posts, now))
        if len(self._due) > MOST:
            del self._due[1::2]

    def untold(self, settled: int, posts: int) -> list[Reached]:
        """
        Return how far it had come each time before the newest one, where the server, which has
        `settled`, lacks some of these; the oldest first.  There are `posts` by now.
        """
        self._due = [one for one in self._due if settled < one.posts <= posts]
        late, told = [], settled
        for one in self._due:
            if one.posts > told and one.at < self._newest:
                late.append(one)
                told = one.posts
        return late
