"""
What the words of clients mean to alerts: conditions of captures, and budgets of any shape.  Pure.

Knows the codes of tcclient's judgement; believes nothing of a peer that it has not looked at.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import attrs
import msgspec

from tcclient.control.reports import Moment, Natural

_TOLD_ELSEWHERE = ("not_run", "disk", "budget")
LEFT_OUT = ("terms_refused", "terms_lacking")
"""The conditions in which terms are not asked for."""
STREAM_OPEN = frozenset(
    ("", "ok", "idle", "stopping", "quiet", "unsynced", *LEFT_OUT, *_TOLD_ELSEWHERE)
)
"""The conditions in which a stream is open, or which have an alert of their own."""
UNWELL = {
    "disk": "down",
    "client_dead": "down",
    "client_stopped": "down",
    "stuck": "down",
    "quiet": "degraded",
    "unsynced": "degraded",
}
"""What a client says of itself that has no alert of its own, and how bad that is."""
CREDENTIALS = re.compile(r"the last attempt was refused \((401|403)\b")
"""How plainly() of tcclient.health.cures words a refusal of credentials."""
MOST_LIMITS = 20
LONGEST_NAME = 40


class ReportedLimit(msgspec.Struct, frozen=True):
    """What a client says of a limit of its budget; it may say anything else instead."""

    spent: Natural
    limit: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
    until: Moment | None = None


@attrs.frozen(order=True)
class SpentLimit:
    """How much of a limit is spent: as a share of it, and in posts; `until` then, if it ends."""

    share: float
    name: str
    posts: int
    limit: int
    until: datetime | None = attrs.field(default=None, order=False)


def spent(budget: Any, now: datetime) -> Iterator[SpentLimit]:
    """Yield what is spent of the limits that are still those of now; nothing for other shapes."""
    rows = list(budget.items())[:MOST_LIMITS] if isinstance(budget, dict) else []
    for name, one in rows:
        try:
            found = msgspec.convert(one, ReportedLimit)
        except msgspec.ValidationError:
            continue
        if found.until is None or found.until >= now:
            share = min(found.spent, 10 * found.limit) / found.limit
            name = str(name)[:LONGEST_NAME]
            yield SpentLimit(share, name, found.spent, found.limit, found.until)
