"""Stretches of time: joined, cut to others, added up.  Pure; epoch seconds."""

from collections.abc import Iterable

Interval = tuple[float, float]
"""[begin, end); one that ends before it begins holds nothing."""


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time, in order, without overlaps."""
    result: list[Interval] = []
    for begin, end in sorted(one for one in intervals if one[0] < one[1]):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((begin, end))
    return result


def within(intervals: Iterable[Interval], frame: Iterable[Interval]) -> list[Interval]:
    """What of `intervals` lies in `frame`."""
    result = []
    outer = merged(frame)
    first = 0
    for begin, end in merged(intervals):
        while first < len(outer) and outer[first][1] <= begin:
            first += 1
        for low, high in outer[first:]:
            if low >= end:
                break
            result.append((max(begin, low), min(end, high)))
    return result


def without(intervals: Iterable[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """What of `intervals` lies outside of `holes`."""
    edges = [float("-inf")]
    for begin, end in merged(holes):
        edges += [begin, end]
    edges.append(float("inf"))
    return within(intervals, zip(edges[::2], edges[1::2], strict=True))


def total(intervals: Iterable[Interval]) -> float:
    """Seconds, each counted once."""
    return sum(end - begin for begin, end in merged(intervals))
