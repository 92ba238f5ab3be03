"""Small pictures of rates for lists, as paths of SVG: a few points, no axes."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from tcserver.accounts.models import PostCount
from tcserver.accounts.services.counts import HOUR
from tcserver.captures.models import CaptureRecord

HOURS = 24
WIDTH, HEIGHT = 100, 24


@attrs.frozen
class Spark:
    """The paths of a line and of the area below it, and what they show in words."""

    line: str
    area: str
    words: str


def sparks(captures: Sequence[CaptureRecord], now: datetime) -> dict[int, Spark]:
    """Return pictures of the last 24 hours of captures, by number; none where no post has come."""
    end = int(now.timestamp())
    begin = end - end % HOUR - (HOURS - 1) * HOUR
    numbers = [one.pk for one in captures]
    rows = PostCount.objects.filter(capture__in=numbers, seconds=HOUR, at__gte=begin, at__lte=end)
    posts: dict[int, dict[int, int]] = {}
    for capture, at, count in rows.values_list("capture_id", "at", "posts"):
        posts.setdefault(capture, {})[(at - begin) // HOUR] = count
    return {capture: spark(some, end % HOUR) for capture, some in posts.items()}


def spark(posts: Mapping[int, int], elapsed: int) -> Spark:
    """
    Return the picture of the posts of each hour; the last hour is drawn by its rate so far, of
    which so many seconds have elapsed.
    """
    seconds = [HOUR] * (HOURS - 1) + [max(60, elapsed)]
    rates = [posts.get(hour, 0) / length for hour, length in enumerate(seconds)]
    most = max(rates) or 1.0
    places = [
        f"{hour * WIDTH / (HOURS - 1):.1f} {HEIGHT - 1 - rate / most * (HEIGHT - 2):.1f}"
        for hour, rate in enumerate(rates)
    ]
    line = "M" + "L".join(places)
    words = f"Last 24 hours: at most {max(rates):,.1f} posts a second in an hour"
    return Spark(line, f"{line}L{WIDTH} {HEIGHT}L0 {HEIGHT}Z", words)
