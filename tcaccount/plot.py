"""
Draws the picture of a capture: posts per minute over time, with gaps shaded.

Knows matplotlib, which nothing else needs and which may be missing; knows no file of posts.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from tcaccount.rates import Minutes
from tcclient.ledger.intervals import Interval, within
from tcclient.ledger.wording import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg")
"""How the name of a picture may end."""

MISSING = "A picture needs matplotlib, which is not installed: pip install matplotlib."
"""What to say where matplotlib is missing."""

_CURVE, _GAP, _GRID = "#3b7dae", "#f7cfc3", "#dddddd"


class CannotDraw(Exception):
    """Raised where there is nothing to draw, or no matplotlib.  str() is a sentence."""


@attrs.frozen
class Picture:
    """What to draw: the posts and gaps of the capture `name`, in `period`."""

    name: str
    period: Interval
    gaps: Iterable[Interval]
    minutes: Minutes


def check() -> None:
    """Raise CannotDraw if matplotlib is missing.  Call this before long work."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as e:
        raise CannotDraw(MISSING) from e


def draw(picture: Picture, path: Path) -> None:
    """Write the picture to `path`, whose ending says in which format.  Raises OSError."""
    from matplotlib.figure import Figure

    curve = picture.minutes.curve(picture.period)
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    axes.stairs(curve.values, [_date(edge) for edge in curve.edges], fill=True, color=_CURVE)
    label = "no connection"
    for begin, end in within(picture.gaps, [picture.period]):
        axes.axvspan(_date(begin), _date(end), color=_GAP, label=label, lw=0.8, zorder=0)
        label = "_"  # one entry in the legend
    if label == "_":
        axes.legend(loc="upper right", frameon=True)
    mean = "" if curve.minutes == 1 else f" (means of {curve.minutes} min)"
    axes.set_ylabel(f"posts per minute{mean}")
    axes.set_title(f"{picture.name}{_left_out(picture)}", loc="left")
    axes.set_xlim(*map(_date, picture.period))
    axes.set_ylim(bottom=0)
    _furnish(axes)
    figure.savefig(path, dpi=150)


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


def _left_out(picture: Picture) -> str:
    """Return for the title which posts are in the files and not in the picture."""
    parts = []
    outside = picture.minutes.outside(picture.period)
    if outside:
        parts.append(f"{number(outside, 'post')} made outside of this time")
    if picture.minutes.undated:
        parts.append(f"{number(picture.minutes.undated, 'post')} without a time")
    return f" (without {' and '.join(parts)})" if parts else ""


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
