"""
Works out how many posts came in a minute, over time, for a picture.  Pure.

By the ledger a post counts within the slot of its file; by its id it counts in the minute in which
it was made.  Knows times; does not know how a picture is drawn.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from statistics import median

import attrs

from tcaccount.record import Booked
from tcclient.ledger.bookings import File
from tcclient.ledger.entries import seconds
from tcclient.ledger.intervals import Interval, merged
from tcclient.storage.postids import PostIds

MOST_STEPS = 1500
"""Most steps of a curve; more could not be seen."""

_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 1440, 10080)
"""How long a step can be, in minutes: parts of a day would show as many combs as there are days."""

_HOUR = 3600.0


@attrs.frozen
class Curve:
    """
    Posts per minute, in steps of `minutes`.  `values[i]` is the mean of the step that begins at
    `edges[i]`, in epoch seconds; the last edge is the end of the last step.
    """

    minutes: int
    edges: list[float]
    values: list[float]


@attrs.frozen
class Stretch:
    """So many posts that came, or were made, evenly between two times, in epoch seconds."""

    begin: float
    end: float
    posts: float


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

    def stretches(self) -> Iterator[Stretch]:
        """Yield the posts of each minute."""
        for minute, posts in self._posts.items():
            yield Stretch(minute * 60.0, (minute + 1) * 60.0, posts)


def stretches(files: Sequence[Booked]) -> Iterator[Stretch]:
    """
    Yield the posts of each file whose last arrival is known, from when its slot began, or the file
    before ended, until it was booked, or the slot ended.  The file of a crash ends with its last
    post, as nobody knows how long the process lived on.
    """
    ends = [one.at for one in files if isinstance(one.entry, File) and not one.entry.recovered]
    are_many = len(ends) > 1
    usual = _whole_minutes(median(b - a for a, b in pairwise(ends))) if are_many else _HOUR
    before = float("-inf")
    for at, entry in ((one.at, one.entry) for one in files if isinstance(one.entry, File)):
        if entry.last_arrival is None:
            continue
        last = seconds(entry.last_arrival)
        begin, over = _slot(last, usual)
        end = last if entry.recovered else max(last, min(at, over))
        begin = min(max(before, begin), end)
        if entry.first_arrival is not None:
            first = seconds(entry.first_arrival)
            begin = min(first, begin) if are_many else first
        yield Stretch(begin, end, entry.posts)
        before = end


def untimed(files: Iterable[Booked]) -> int:
    """Return how many posts are in files of which no line has a time."""
    entries = (one.entry for one in files)
    return sum(one.posts for one in entries if not (isinstance(one, File) and one.last_arrival))


def _whole_minutes(length: float) -> float:
    """Return a length in seconds as that of a slot, which is some minutes, and at most an hour."""
    return min(max(60.0, round(length / 60) * 60.0), _HOUR)


def _slot(at: float, length: float) -> Interval:
    """Return the slot of this length that a time is in: slots are counted within the hour."""
    hour = at // _HOUR * _HOUR
    begin = hour + (at - hour) // length * length
    return begin, min(begin + length, hour + _HOUR)


def curve(
    posts: Iterable[Stretch], period: Interval, covered: Iterable[Interval] | None = None
) -> Curve:
    """
    Return the curve of a period, in the shortest steps of which there are not too many.  Posts come
    while it is `covered`, by default always: so a step that is covered in part has the rate of that
    part.
    """
    steps = _Steps.of(period)
    heard = [(steps.edges[0], steps.edges[-1])] if covered is None else merged(covered)
    ends = [end for _, end in heard]
    sums = steps.spread(amount for one in posts for amount in _while_heard(one, heard, ends))
    lengths = steps.spread((begin, end, end - begin) for begin, end in heard)
    # Less than a second of a step tells no rate: what came then was read together.
    rates = [
        amount / length * 60 if length >= 1 else 0.0
        for amount, length in zip(sums, lengths, strict=True)
    ]
    return Curve(int(steps.width // 60), steps.edges, rates)


def shares(spans: Iterable[Interval], period: Interval, bins: int) -> list[tuple[Interval, float]]:
    """Return the parts of a period, of so many, in which times are, with their share of each."""
    parts = _Steps(period[0], (period[1] - period[0]) / bins, bins)
    sums = parts.spread((begin, end, end - begin) for begin, end in merged(spans))
    return [
        (part, min(1.0, found / parts.width))
        for part, found in zip(pairwise(parts.edges), sums, strict=True)
        if found > 0
    ]


def _while_heard(
    stretch: Stretch, heard: Sequence[Interval], ends: Sequence[float]
) -> Iterator[tuple[float, float, float]]:
    """
    Yield the posts in the parts of a stretch that are heard, or in all of it if none is; `ends` are
    those of the times that are heard.
    """
    first = bisect_right(ends, stretch.begin)
    if first < len(heard) and heard[first][0] <= stretch.begin and stretch.end <= ends[first]:
        yield stretch.begin, stretch.end, stretch.posts
        return
    parts = []
    for begin, end in islice(heard, first, None):
        if begin >= stretch.end:
            break
        parts.append((max(begin, stretch.begin), min(end, stretch.end)))
    parts = parts or [(stretch.begin, stretch.end)]
    lasted = sum(end - begin for begin, end in parts)
    for begin, end in parts:
        yield begin, end, stretch.posts * (end - begin) / lasted if lasted else stretch.posts


@attrs.frozen
class _Steps:
    """Steps of `width` seconds, of which the first begins at `begin`."""

    begin: float
    width: float
    count: int

    @classmethod
    def of(cls, period: Interval) -> "_Steps":
        first, last = int(period[0] // 60), int(period[1] // 60)
        fitting = (width for width in _WIDTHS if (last - first) / width < MOST_STEPS)
        width = next(fitting, _WIDTHS[-1])
        begin = first - first % width
        return cls(begin * 60.0, width * 60.0, (last - begin) // width + 1)

    @property
    def edges(self) -> list[float]:
        """When the steps begin, and the end of the last one."""
        return [self.begin + place * self.width for place in range(self.count + 1)]

    def spread(self, amounts: Iterable[tuple[float, float, float]]) -> list[float]:
        """Return how much is in each step of amounts, each spread evenly from begin to end."""
        sums = [0.0] * self.count
        for begin, end, amount in amounts:
            first, last = self._place(begin), self._place(end)
            if first == last and 0 <= first < self.count:
                sums[first] += amount
                continue
            for place in range(max(first, 0), min(last, self.count - 1) + 1):
                low = max(begin, self.begin + place * self.width)
                high = min(end, self.begin + (place + 1) * self.width)
                share = (high - low) / (end - begin) if end > begin else 1.0
                sums[place] += amount * share
        return sums

    def _place(self, at: float) -> int:
        return int((at - self.begin) // self.width)
