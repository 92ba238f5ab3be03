"""To take a client's update on the progress of a capture."""

from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Case, DateTimeField, F, Value, When

from tcserver.accounts.models import UpdateRecord
from tcserver.captures.models import CaptureRecord
from tcserver.history.acts import Act
from tcserver.people.askers import NotFound


def add_update(
    capture_id: int, client: int, numbers: dict[str, int | None], act: Act
) -> UpdateRecord:
    """
    Add count, total and rate (in thousandths) as they came, and bring the capture up to them.

    The client may have had the capture in the past: what it still sends is counted, and the total
    of the client that has it now stays its own.  Raises NotFound if it never had it.
    """
    count, total, rate = (numbers.get(name) for name in ("count", "total", "rate"))
    columns: dict[str, Any] = {
        "update_at": act.at,
        "update_total": total,
        "update_rate": rate,
        "modified_at": act.at,
    }
    if count:
        columns["counted"] = F("counted") + count
    for name, value in (("total", total), ("rate", rate)):
        if value is not None:
            told = Value(value, BigIntegerField())
            columns[name] = Case(When(client=client, then=told), default=F(name))
    columns["ping_at"] = Case(
        When(client=client, then=Value(act.at, DateTimeField())), default=F("ping_at")
    )
    with transaction.atomic():
        known = CaptureRecord.objects.filter(pk=capture_id, assignments__client=client)
        if not known.update(**columns):
            raise NotFound
        return UpdateRecord.objects.create(
            capture_id=capture_id,
            client_id=client,
            at=act.at,
            count=count,
            total=total,
            rate=rate,
        )
