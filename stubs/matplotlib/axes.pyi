from collections.abc import Sequence
from datetime import datetime

from matplotlib.axis import Axis
from matplotlib.spines import Spines

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
    def axvspan(
        self,
        xmin: datetime,
        xmax: datetime,
        *,
        color: str,
        label: str,
        lw: float,
        zorder: float,
    ) -> object: ...
    def set_title(self, label: str, *, loc: str = ...) -> object: ...
    def set_ylabel(self, ylabel: str) -> object: ...
    def set_xlabel(self, xlabel: str) -> object: ...
    def set_xlim(self, left: datetime, right: datetime) -> object: ...
    def set_axisbelow(self, b: bool) -> None: ...
    def set_ylim(self, *, bottom: float) -> object: ...
    def legend(self, *, loc: str = ..., frameon: bool = ...) -> object: ...
    def grid(self, visible: bool, *, axis: str, color: str, lw: float) -> None: ...
