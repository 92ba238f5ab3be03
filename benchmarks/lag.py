"""How late posts could be read, from when they were sent and when the file grew.  Pure."""

import math
from bisect import bisect_left
from collections.abc import Sequence


def delays(
    sent_at: Sequence[float], ends: Sequence[int], growth: Sequence[tuple[float, int]]
) -> list[float]:
    """
    Seconds from the sending of each post until the file reached its end; posts that it never
    reached are left out.  `ends` are offsets in the file, `growth` (moment, size) pairs in order.
    """
    sizes = [size for _, size in growth]
    found = []
    for sent, end in zip(sent_at, ends, strict=True):
        at = bisect_left(sizes, end)
        if at < len(growth):
            found.append(growth[at][0] - sent)
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def row(late: Sequence[float], posts: int) -> str:
    """Cells: posts seen, the percentiles that so many posts can tell, and the most; in ms."""
    cells = [f"{len(late):,} of {posts:,}"]
    for share in (0.5, 0.99, 0.999):
        enough = len(late) * (1 - share) >= 1
        cells.append(f"{percentile(late, share) * 1e3:.1f}" if enough else "–")
    cells.append(f"{max(late) * 1e3:.1f}" if late else "–")
    return " | ".join(cells)
