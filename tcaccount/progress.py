"""Shows on a terminal how far long work has come.  Does not know what is done."""

from collections.abc import Callable
from typing import TextIO

import attrs

_STEP = 0.2
"""Seconds between two drawings."""

_CELLS = 30
"""Length of the bar, in characters."""


Advance = Callable[[int], object]
"""Is called with the number of bytes that have been done."""


@attrs.define
class Progress:
    """
    A bar that shows how many of `total` bytes are done, on `terminal`; None draws nothing.  `clock`
    returns seconds that never go back.
    """

    total: int
    terminal: TextIO | None
    clock: Callable[[], float]
    _done: int = 0
    _next: float = 0.0

    def advance(self, size: int) -> None:
        """Add so many bytes that are done, and draw the bar if the last drawing is _STEP old."""
        self._done += size
        if self.terminal is not None and self.clock() >= self._next:
            self._next = self.clock() + _STEP
            share = min(1.0, self._done / max(1, self.total))
            bar = "#" * int(share * _CELLS)
            self._draw(f"\r[{bar:.<{_CELLS}}] {share:4.0%} of {self.total / 1e6:,.0f} MB")

    def clear(self) -> None:
        """Remove the bar."""
        self._draw("\r\x1b[K")

    def _draw(self, text: str) -> None:
        if self.terminal is not None:
            self.terminal.write(text)
            self.terminal.flush()
