from collections.abc import Sequence
from datetime import datetime, timedelta

from matplotlib.axis import Axis
from matplotlib.spines import Spines

class Transform: ...

class Axes:
    xaxis: Axis
    spines: Spines
    def stairs(
        self,
        values: Sequence[float],
        edges: Sequence[datetime],
        *,
        fill: bool = ...,
        color: str = ...,
    ) -> object: ...
    def get_xaxis_transform(self) -> Transform: ...
    def broken_barh(
        self,
        xranges: Sequence[tuple[datetime, timedelta]],
        yrange: tuple[float, float],
        *,
        transform: Transform,
        color: str | Sequence[tuple[float, float, float, float]],
        label: str = ...,
        lw: float,
        zorder: float,
    ) -> object: ...
    def axvline(
        self,
        x: datetime,
        *,
        color: str,
        lw: float,
        ls: tuple[float, tuple[float, float]],
        label: str,
    ) -> object: ...
    def get_legend_handles_labels(self) -> tuple[list[object], list[str]]: ...
    def set_title(self, label: str, *, loc: str, parse_math: bool) -> object: ...
    def set_ylabel(self, ylabel: str) -> object: ...
    def set_xlabel(self, xlabel: str) -> object: ...
    def set_xlim(self, left: datetime, right: datetime) -> object: ...
    def set_axisbelow(self, b: bool) -> None: ...
    def set_ylim(self, *, bottom: float) -> object: ...
    def grid(self, visible: bool, *, axis: str, color: str, lw: float) -> None: ...
