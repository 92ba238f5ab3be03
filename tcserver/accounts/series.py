"""
What a chart shows of a capture: posts over time, the gaps, and what people changed.

Knows tables; draws nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import attrs
from django.db.models import F, FloatField, QuerySet, Sum
from django.db.models.functions import Cast, Mod

from tcclient.ledger.history import JobHistory, MissedTime
from tcclient.ledger.intervals import Interval, within
from tcserver.accounts.models import PostCount
from tcserver.accounts.services.counts import DAY, HOUR, MINUTE
from tcserver.captures.models import CaptureRecord
from tcserver.captures.status import Wanted
from tcserver.history.models import Concerned, HistoryEntry

MOST_POINTS = 2000
MOST_MARKS = 200
_MARKED = ("keywords", "status")
_POSTS = Sum(Cast("posts", FloatField()))
"""Clients may tell any number: a sum of integers can be more than SQLite adds up."""


@attrs.frozen
class ChartMark:
    """Something that people changed: when, who, which member, and what it became."""

    at: datetime
    who: str
    member: str
    value: str | None


@attrs.frozen
class ChartSeries:
    """
    What happened to a capture from `begin` up to `end`, in epoch seconds.

    `points` has the posts of steps of `seconds` each, by when a step begins; a step that nobody has
    reported on is left out.  `gaps` are those of the account, the longest of them where there are
    too many, and `wanted` is when posts were wanted; where no ledger tells, all of the time since
    they were for the first time.  `marks` are the newest.  Each is in the order of time.
    """

    begin: int
    end: int
    seconds: int
    points: Sequence[tuple[int, int]]
    gaps: Sequence[MissedTime]
    wanted: Sequence[Interval]
    marks: Sequence[ChartMark]


def month_of(now: datetime) -> datetime:
    """Return when the month of a time began, in UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def posts_of_month(capture: int, now: datetime) -> int:
    """Return how many posts of a capture were reported since the month began, in UTC."""
    return int(_of_month(now).filter(capture=capture).aggregate(posts=_POSTS)["posts"] or 0)


def posts_of_clients(captures: "QuerySet[CaptureRecord]", now: datetime) -> dict[int, int]:
    """Return how many posts of these captures were reported since then, by the client of each."""
    rows = _of_month(now).filter(capture__in=captures).values_list("capture__client")
    return {client: int(posts) for client, posts in rows.annotate(posts=_POSTS).order_by()}


def _of_month(now: datetime) -> "QuerySet[PostCount]":
    return PostCount.objects.filter(seconds=DAY, at__gte=int(month_of(now).timestamp()))


def step_of(begin: int, end: int, minutes_since: int) -> int:
    """
    Return how long the steps of a chart are, in seconds: the shortest that are kept and of which
    there are not too many.  Minutes are kept since `minutes_since`, in epoch seconds.
    """
    for seconds in (MINUTE, HOUR, DAY):
        if (end - begin) // seconds < MOST_POINTS - 1 and (
            seconds > MINUTE or begin >= minutes_since
        ):
            return seconds
    return ((end - begin) // DAY // (MOST_POINTS - 1) + 1) * DAY


def series(
    capture: CaptureRecord,
    begin: int,
    end: int,
    minutes_since: int,
    history: JobHistory | None = None,
) -> ChartSeries:
    """Return what a chart shows of a time; `history` is that of the capture's account."""
    seconds = step_of(begin, end, minutes_since)
    kept = seconds if seconds < DAY else DAY
    first = begin - begin % seconds
    rows = PostCount.objects.filter(capture=capture, seconds=kept, at__gte=first, at__lt=end)
    if seconds > kept:
        rows = rows.annotate(step=F("at") - Mod(F("at"), seconds))
    else:
        rows = rows.annotate(step=F("at"))
    sums = rows.values_list("step").annotate(posts=_POSTS).order_by("step")
    span = (float(begin), float(end))
    return ChartSeries(
        begin,
        end,
        seconds,
        [(at, int(posts)) for at, posts in sums],
        [] if history is None else _gaps(history, span),
        within(_wished(capture, end) if history is None else history.wanted(), [span]),
        list(reversed(_marks(capture, begin, end))),
    )


def _wished(capture: CaptureRecord, end: int) -> list[Interval]:
    """Return all of the time since people wanted posts for the first time, if they ever did."""
    if capture.wanted == Wanted.NOTHING:
        return []
    entries = HistoryEntry.objects.filter(
        subject=Concerned.CAPTURE, subject_number=capture.pk, act__in=("created", "started")
    )
    # One that was made without being started has "started" as its second entry.
    wishes = (one.at for one in entries.order_by("pk")[:2] if one.after.get("status") == "starting")
    return [(next(wishes, capture.created_at).timestamp(), float(end))]


def _gaps(history: JobHistory, span: Interval) -> list[MissedTime]:
    """Return the gaps in a span of time, the longest of them."""
    found = [gap for gap in history.gaps() if gap.end > span[0] and gap.begin < span[1]]
    longest = sorted(found, key=lambda gap: -gap.seconds)[:MOST_POINTS]
    return sorted(longest, key=lambda gap: gap.begin)


def _marks(capture: CaptureRecord, begin: int, end: int) -> list[ChartMark]:
    """Return the newest changes of keywords and wishes by people, the newest first."""
    entries = HistoryEntry.objects.filter(
        subject=Concerned.CAPTURE,
        subject_number=capture.pk,
        party="person",
        at__gte=datetime.fromtimestamp(begin, UTC),
        at__lt=datetime.fromtimestamp(end, UTC),
    ).order_by("-pk")
    return [
        ChartMark(entry.at, entry.party_name, member, entry.after[member])
        for entry in entries[:MOST_MARKS]
        for member in _MARKED
        if member in entry.after
    ][:MOST_MARKS]
