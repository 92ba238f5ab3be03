"""The chart of a capture's rate, as shapes of SVG and as a table: complete without a script."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import attrs
from django.conf import settings

from tcclient.ledger.intervals import merged, total, within, without
from tcclient.ledger.wording import length
from tcserver.accounts.account import CaptureAccount
from tcserver.accounts.series import ChartSeries, series
from tcserver.accounts.services.counts import DAY, HOUR, MINUTE
from tcserver.captures.models import CaptureRecord

LEFT, TOP, WIDTH, HEIGHT = 56, 14, 888, 190
"""Where the plot is within a picture of 960 by 240."""
SPANS = {"hour": HOUR, "day": DAY, "week": 7 * DAY}
"""What can be asked for, in seconds; besides, all of the time of the capture."""
ALL = "all"
STEPS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 28 * DAY, 364 * DAY)
SELDOM = 15 * MINUTE
"""Seconds between two updates that are still drawn as one line."""
POINTS, ROWS, TICKS = 300, 30, 8
"""How many there are at most, of points, of rows of the table, and of times below the plot."""


@attrs.frozen
class Band:
    """A time that is shaded, and why."""

    style: str
    x: float
    width: float
    words: str


@attrs.frozen
class Tick:
    """A line of the grid with its label, at a place along its axis."""

    place: float
    words: str


@attrs.frozen
class ChartLine:
    """A change by people: where, how it is drawn, and what it was."""

    style: str
    x: float
    words: str


@attrs.frozen
class TableRow:
    """A step of the table: when it begins, its posts, posts a second, and how much is missing."""

    at: datetime
    posts: int
    rate: str
    missing: str


@attrs.frozen
class Chart:
    """The chart of a time, as its template draws it."""

    span: str
    begin: datetime
    end: datetime
    line: str
    area: str
    bands: Sequence[Band]
    marks: Sequence[ChartLine]
    times: Sequence[Tick]
    rates: Sequence[Tick]
    rows: Sequence[TableRow]
    words: str


def chart_of(
    capture: CaptureRecord, account: CaptureAccount | None, span: str, now: datetime
) -> Chart:
    """Return the chart of a capture's last hour, day or week, or of all its time."""
    end = int(now.timestamp())
    since = min(capture.created_at, capture.first_started_at or capture.created_at)
    begin = end - SPANS[span] if span in SPANS else min(int(since.timestamp()), end - HOUR)
    minutes = end - settings.ENVIRONMENT.keep_minutes * DAY
    history = None if account is None else account.subject.record.jobs.get(capture.pk)
    told = series(capture, begin, end, minutes, history)
    if history is not None and history.is_running:
        # It is wanted beyond the last line that has come of its ledger.
        told = attrs.evolve(told, wanted=[*told.wanted, (history.last, float(end))])
    return drawn(told, span)


def drawn(told: ChartSeries, span: str) -> Chart:
    """Return the chart of a series."""
    step = max(told.seconds, _step(told.end - told.begin, POINTS))
    sums = _sums(told, step)
    rates = {
        at: posts / _lasted(told, at, step)
        for at, posts in sums.items()
        if told.end - at >= step / 2  # what an update tells has come before it
    }
    ticks = list(_rates(max(rates.values(), default=0.0)))
    top = ticks[-1][0] or 1.0
    lines, areas = [], []
    for run in _runs(rates, step):
        places = [
            f"{_x(told, min(at + step / 2, told.end)):.1f} {_y(rates[at] / top):.1f}" for at in run
        ]
        first, last = places[0].split()[0], places[-1].split()[0]
        lines.append(f"M{'L'.join(places)}" + ("h1" if len(places) == 1 else ""))
        areas.append(f"M{first} {TOP + HEIGHT}L{'L'.join(places)}L{last} {TOP + HEIGHT}Z")
    missing = merged((gap.begin, gap.end) for gap in told.gaps)
    return Chart(
        span,
        datetime.fromtimestamp(told.begin, UTC),
        datetime.fromtimestamp(told.end, UTC),
        "".join(lines),
        "".join(areas),
        list(_bands(told)),
        list(_marks(told)),
        list(_times(told)),
        [Tick(_y(rate / top), words) for rate, words in ticks],
        list(_rows(told, max(told.seconds, _step(told.end - told.begin, ROWS)))),
        f"Posts a second, {ticks[-1][1]} at most; {length(total(missing))} in gaps"
        if missing
        else f"Posts a second, {ticks[-1][1]} at most; no gaps",
    )


def _step(seconds: int, most: int) -> int:
    """Return the shortest step of which so many cover a time."""
    return next((step for step in STEPS if seconds / step <= most), STEPS[-1])


def _sums(told: ChartSeries, step: int) -> dict[int, int]:
    """Return the posts of steps, by when they begin."""
    sums: dict[int, int] = {}
    for at, posts in told.points:
        sums[at - at % step] = sums.get(at - at % step, 0) + posts
    return sums


def _lasted(told: ChartSeries, at: int, step: int) -> float:
    """Return how much of a step is within the time that is told of, in seconds; never nothing."""
    first = told.begin - told.begin % told.seconds
    return max(1.0, min(at + step, told.end) - max(at, first))


def _runs(rates: dict[int, float], step: int) -> Iterator[list[int]]:
    """Yield the beginnings of steps that follow each other, as far as updates come so often."""
    run: list[int] = []
    for at in sorted(rates):
        if run and at - run[-1] > max(step, SELDOM):
            yield run
            run = []
        run.append(at)
    if run:
        yield run


def _bands(told: ChartSeries) -> Iterator[Band]:
    """Yield what is shaded: when nothing was wanted, and gaps."""
    span = (float(told.begin), float(told.end))
    for begin, end in without([span], told.wanted):
        yield _band(told, "unwanted", begin, end, "Not wanted")
    for gap in told.gaps:
        for begin, end in within([(gap.begin, gap.end)], [span]):
            words = f"Gap of {length(gap.seconds)}: {gap.line.cause}, {gap.line.detail}"
            yield _band(told, "gap", begin, end, words)


def _band(told: ChartSeries, style: str, begin: float, end: float, words: str) -> Band:
    x = _x(told, begin)
    return Band(style, round(x, 1), round(max(1.5, _x(told, end) - x), 1), words)


def _marks(told: ChartSeries) -> Iterator[ChartLine]:
    """Yield what people changed."""
    for mark in told.marks:
        style = "stop" if mark.value in ("stopping", "stopped") else ""
        value = mark.value or "none"
        words = f"{mark.at:%Y-%m-%d %H:%M} UTC, {mark.who}: {mark.member} {value[:200]}"
        yield ChartLine(style, round(_x(told, mark.at.timestamp()), 1), words)


def _times(told: ChartSeries) -> Iterator[Tick]:
    """Yield the times below the plot, in UTC."""
    step = _step(told.end - told.begin, TICKS)
    form = "%H:%M" if step < DAY else "%d %b" if step < 364 * DAY else "%Y"
    for at in range(told.begin - told.begin % step + step, told.end, step):
        yield Tick(round(_x(told, at), 1), f"{datetime.fromtimestamp(at, UTC):{form}}")


def _rates(most: float) -> Iterator[tuple[float, str]]:
    """Yield round rates from 0 to at least the highest; 0 alone where there was none."""
    if not most:
        yield 0.0, "0"
        return
    size = 0.01
    while size * 4 < most:
        size *= 2.5 if str(f"{size:.0e}")[0] == "2" else 2
    for n in range(5):
        yield size * n, f"{size * n:,.2f}".rstrip("0").rstrip(".")


def _rows(told: ChartSeries, step: int) -> Iterator[TableRow]:
    """Yield the rows of the table, the newest first; what nobody reported on has no posts."""
    sums = _sums(told, step)
    gaps = [(gap.begin, gap.end) for gap in told.gaps]
    for at in range(told.end - told.end % step, told.begin - step, -step):
        missing = total(within(gaps, [(float(max(at, told.begin)), float(at + step))]))
        posts = sums.get(at, 0)
        rate = f"{posts / _lasted(told, at, step):,.1f}"
        yield TableRow(
            datetime.fromtimestamp(at, UTC), posts, rate, length(missing) if missing else ""
        )


def _x(told: ChartSeries, at: float) -> float:
    share = (at - told.begin) / (told.end - told.begin)
    return LEFT + WIDTH * min(1.0, max(0.0, share))


def _y(share: float) -> float:
    return round(TOP + HEIGHT * (1 - share), 1)
