"""
Draws the picture of a capture: posts per minute over time, with what happened meanwhile.

Knows matplotlib, which nothing else needs and which may be missing; knows no file of posts.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tcaccount.rates import Curve, shares
from tcclient.ledger.history import MissedTime
from tcclient.ledger.intervals import Interval, within

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg")
"""How the name of a picture may end."""

MISSING = "A picture needs matplotlib, which is not installed: pip install matplotlib."
"""What to say where matplotlib is missing."""

_CURVE, _GRID, _STOP, _REKEYED = "#3b7dae", "#dddddd", "#e4e4e4", "#4a4a4a"

_CAUSES = ("#f2b8a0", "#d9c2e9", "#f4d78a", "#b5dcc0", "#f3b6cc", "#c9c3a5")
"""Colours of gaps, by cause; the most frequent causes have one each, all others the last."""


_BINS = 1300
"""How many things a picture has room for beside each other: one for each of its pixels."""

_STRIP = (0.97, 0.03)
"""Where, of the height, it stands that something was, which is too short to be drawn over all."""

_STEPS = {60: "an hour", 1440: "a day", 10080: "a week"}
"""How long a step is, in words, by its minutes."""


class CannotDraw(Exception):
    """Raised where there is nothing to draw, or no matplotlib.  str() is a sentence."""


@attrs.frozen
class Picture:
    """
    What to draw: the posts of a capture in `period`, by a curve.  `title` stands above; gaps are
    shaded by cause, times `unwanted` are grey, and new keywords are a line each.
    """

    title: str
    period: Interval
    curve: Curve
    gaps: Sequence[MissedTime]
    unwanted: Sequence[Interval]
    rekeyed: Sequence[float]


def check() -> None:
    """Raise CannotDraw if matplotlib is missing.  Call this before long work."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as e:
        raise CannotDraw(MISSING) from e


def draw(picture: Picture, path: Path) -> None:
    """Write the picture to `path`, whose ending says in which format.  Raises OSError."""
    from matplotlib import figure as figures

    curve = picture.curve
    figure = figures.Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.stairs(curve.values, [_date(edge) for edge in curve.edges], fill=True, color=_CURVE)
    _shade(axes, picture)
    for at in picture.rekeyed:
        axes.axvline(_date(at), color=_REKEYED, lw=1, ls=(0, (4, 3)), label="new keywords")
    step = _STEPS.get(curve.minutes, f"{curve.minutes} min")
    axes.set_ylabel("posts per minute" + (f" (means of {step})" if curve.minutes > 1 else ""))
    # What stands in a name is no markup of matplotlib's.
    axes.set_title(picture.title, loc="left", parse_math=False)
    axes.set_xlim(*map(_date, picture.period))
    axes.set_ylim(bottom=0)
    _furnish(axes)
    _explain(axes, figure)
    figure.savefig(path, dpi=150)


def _shade(axes: "Axes", picture: Picture) -> None:
    """Shade the gaps, those of each cause in a colour of its own, and what was not wanted."""
    lengths: dict[str, float] = {}
    spans: dict[str, list[Interval]] = {}
    for gap in picture.gaps:
        cause = gap.line.cause
        lengths[cause] = lengths.get(cause, 0.0) + gap.seconds
        spans.setdefault(cause, []).append((gap.begin, gap.end))
    causes = sorted(lengths, key=lambda cause: -lengths[cause])
    named = causes if len(causes) <= len(_CAUSES) else causes[: len(_CAUSES) - 1]
    for cause, color in zip(named, _CAUSES, strict=False):
        _span(axes, spans[cause], picture.period, color, f"gap: {cause}")
    others = [span for cause in causes[len(named) :] for span in spans[cause]]
    _span(axes, others, picture.period, _CAUSES[-1], "gap: other causes")
    _span(axes, picture.unwanted, picture.period, _STOP, "stopped")


def _span(
    axes: "Axes", spans: Sequence[Interval], period: Interval, color: str, label: str
) -> None:
    """
    Shade times, what of them is in the period, each as one thing, as a year may have thousands.
    What is shorter than can be drawn would fill a long picture: it shades in proportion, and stands
    in a strip at the top, where each is to be seen.
    """
    from matplotlib.colors import to_rgba

    shown = within(spans, [period])
    least = (period[1] - period[0]) / _BINS
    long = [one for one in shown if one[1] - one[0] >= least]
    short = [one for one in shown if one[1] - one[0] < least]
    filled = shares(short, period, _BINS)
    over_all = axes.get_xaxis_transform()
    for times, height in ((long, (0, 1)), (short, _STRIP)):
        if times:
            axes.broken_barh(
                _places(times),
                height,
                transform=over_all,
                color=color,
                label=label,
                lw=0.8,
                zorder=0,
            )
    if filled:
        axes.broken_barh(
            _places([time for time, _ in filled]),
            (0, _STRIP[0]),
            transform=over_all,
            color=[to_rgba(color, share) for _, share in filled],
            lw=0,
            zorder=0,
        )


def _places(times: Sequence[Interval]) -> list[tuple[datetime, timedelta]]:
    """Return where times are, as an axis of dates has it."""
    return [(_date(begin), timedelta(seconds=end - begin)) for begin, end in times]


def _explain(axes: "Axes", figure: "Figure") -> None:
    """Say beside the picture what colours and lines mean, each once."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    if once:
        figure.legend(list(once.values()), list(once), loc="outside right upper", frameon=False)


def _furnish(axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_xlabel("UTC")
    axes.set_axisbelow(True)
    axes.grid(True, axis="y", color=_GRID, lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
