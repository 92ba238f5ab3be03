"""Joins stretches of time, cuts them by others and adds them up.  Pure; knows no ledger."""

from collections.abc import Iterable

Interval = tuple[float, float]
"""From the first time up to the second, in epoch seconds; nothing if that is not later."""


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the same time in order of its beginnings, without overlaps."""
    result: list[Interval] = []
    for begin, end in sorted(one for one in intervals if one[0] < one[1]):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((begin, end))
    return result


def within(intervals: Iterable[Interval], frame: Iterable[Interval]) -> list[Interval]:
    """Return what of `intervals` is within `frame`."""
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
    """Return what of `intervals` is outside of `holes`."""
    edges = [float("-inf")]
    for begin, end in merged(holes):
        edges += [begin, end]
    edges.append(float("inf"))
    return within(intervals, zip(edges[::2], edges[1::2], strict=True))


def total(intervals: Iterable[Interval]) -> float:
    """Return how many seconds these are, each counted once."""
    return sum(end - begin for begin, end in merged(intervals))
