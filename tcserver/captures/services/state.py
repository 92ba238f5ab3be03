"""How its client says that a capture is doing: the condition with its reason, numbers, lag."""

from collections.abc import Sequence

from django.db import transaction

from tcclient.control.reports import State
from tcserver.captures.models import CaptureRecord
from tcserver.history.acts import Act

_COLUMNS = [
    "state_at",
    "applied_revision",
    "condition",
    "reason",
    "condition_since",
    "lag",
    "next_attempt_at",
    "total",
    "rate",
    "ping_at",
    "modified_at",
]


def state(client: int, states: Sequence[State], act: Act) -> list[int]:
    """
    Write the newest states of a client's captures.  Return the numbers of those that are not its
    own now, of which nothing is written.
    """
    newest = {one.job: one for one in states}
    with transaction.atomic():
        own = CaptureRecord.objects.filter(
            pk__in=newest, client=client, archived_at=None, deleted_at=None
        )
        # In one order, lest two of a client's requests wait for each other.
        rows = list(
            own.order_by("pk").select_for_update().only("pk", "total", "rate", "applied_revision")
        )
        for row in rows:
            _take(row, newest[row.pk], act)
        CaptureRecord.objects.bulk_update(rows, _COLUMNS)
    return sorted(newest.keys() - {row.pk for row in rows})


def _take(row: CaptureRecord, told: State, act: Act) -> None:
    """Put into the row what was told; a number that was not told stays."""
    row.state_at = row.ping_at = row.modified_at = act.at
    row.condition, row.reason = told.condition, told.reason
    row.condition_since, row.next_attempt_at = told.since, told.next_attempt
    row.lag = told.lag
    if told.revision is not None:
        row.applied_revision = told.revision
    if told.total is not None:
        row.total = told.total
    if told.rate is not None:
        row.rate = round(told.rate * 1000)
