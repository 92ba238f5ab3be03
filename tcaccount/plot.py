"""
Draws the picture of a capture: posts per minute over time, with what happened meanwhile.

Knows matplotlib, which nothing else needs and which may be missing; knows no file of posts.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tcaccount.rates import Curve
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
    for gap in picture.gaps:
        lengths[gap.line.cause] = lengths.get(gap.line.cause, 0.0) + gap.seconds
    causes = sorted(lengths, key=lambda cause: -lengths[cause])
    named = causes if len(causes) <= len(_CAUSES) else causes[: len(_CAUSES) - 1]
    for gap in picture.gaps:
        place = named.index(gap.line.cause) if gap.line.cause in named else len(_CAUSES) - 1
        label = f"gap: {gap.line.cause if gap.line.cause in named else 'other causes'}"
        _span(axes, (gap.begin, gap.end), picture.period, _CAUSES[place], label)
    for one in picture.unwanted:
        _span(axes, one, picture.period, _STOP, "stopped")


def _span(axes: "Axes", span: Interval, period: Interval, color: str, label: str) -> None:
    """Shade a time, what of it is in the period; however short, it is to be seen."""
    for begin, end in within([span], [period]):
        axes.axvspan(_date(begin), _date(end), color=color, label=label, lw=0.8, zorder=0)


def _explain(axes: "Axes", figure: "Figure") -> None:
    """Say beside the picture what colours and lines mean, each once."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    if once:
        figure.legend(list(once.values()), list(once), loc="outside right upper", frameon=False)


def _furnish(axes: "Axes") -> None:
    """Give the axes their scale, grid and frame."""
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
