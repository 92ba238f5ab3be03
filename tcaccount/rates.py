"""
Counts how many posts were made in each minute, for a picture.  Pure.

A post counts when it was made, by its id, which in both APIs has the millisecond: so those that a
backfill brought are where they were missing.  Knows times; does not know how a picture is drawn.
"""

from collections import Counter

import attrs

from tcclient.ledger.intervals import Interval
from tcclient.storage.postids import PostIds

MOST_STEPS = 1500
"""Most steps of a curve; more could not be seen."""

_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
"""How long a step can be, in minutes."""


@attrs.frozen
class Curve:
    """
    Posts per minute, in steps of `minutes`.  `values[i]` is the mean of the step that begins at
    `edges[i]`, in epoch seconds; the last edge is the end of the last step.
    """

    minutes: int
    edges: list[float]
    values: list[float]


class Minutes:
    """
    Counts posts by the minute in which they were made, as `ids` tells; `undated` is the number of
    those whose id does not tell.
    """

    def __init__(self, ids: PostIds) -> None:
        self.undated = 0
        self._made_at = ids.made_at
        self._posts: Counter[int] = Counter()

    def take(self, identity: str) -> None:
        """Count the post with this id."""
        at = self._made_at(identity)
        if at is None:
            self.undated += 1
        else:
            self._posts[int(at // 60)] += 1

    def outside(self, period: Interval) -> int:
        """Return how many posts were made in no minute of the period."""
        first, last = period[0] // 60, period[1] // 60
        return sum(n for minute, n in self._posts.items() if not first <= minute <= last)

    def curve(self, period: Interval) -> Curve:
        """Return the curve of a period, in the shortest steps of which there are not too many."""
        first, last = int(period[0] // 60), int(period[1] // 60)
        fitting = (width for width in _WIDTHS if (last - first) / width < MOST_STEPS)
        width = next(fitting, _WIDTHS[-1])
        begins = range(first - first % width, last + 1, width)
        values = [
            sum(self._posts[minute] for minute in range(begin, begin + width)) / width
            for begin in begins
        ]
        edges = [begin * 60.0 for begin in (*begins, begins[-1] + width)]
        return Curve(width, edges, values)
