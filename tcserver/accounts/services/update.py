"""To take a client's update on the progress of a capture."""

from typing import Any

import attrs
from django.db import transaction

from tcserver.history.acts import Act
from tcserver.people.askers import NotFound
from tcserver.sql import write

_UPDATE = """
INSERT INTO accounts_updaterecord (capture_id, client_id, at, count, total, rate)
VALUES (%s, %s, %s, %s, %s, %s)
"""
_HAS_HAD_IT = """
id = %s AND EXISTS (
    SELECT 1 FROM captures_assignment a WHERE a.capture_id = %s AND a.client_id = %s
)
"""
_ITS_OWN = "{0} = CASE WHEN client_id = %s THEN %s ELSE {0} END"


@attrs.frozen
class UpdateNumbers:
    """What an update tells: the new posts, all posts, and thousandths of posts a second."""

    count: int | None
    total: int | None
    rate: int | None


def add_update(capture_id: int, client: int, told: UpdateNumbers, act: Act) -> None:
    """
    Add what is told as it came, and bring the capture up to it.

    The client may have had the capture in the past: what it still sends is counted, and the total
    of the client that has it now stays its own.  Raises NotFound if it never had it.
    """
    count, total, rate = told.count, told.total, told.rate
    columns = ["update_at = %s", "update_total = %s", "update_rate = %s", "modified_at = %s"]
    values: list[Any] = [act.at, total, rate, act.at]
    if count:
        columns.append("counted = counted + %s")
        values.append(count)
    for column, value in (("total", total), ("rate", rate), ("ping_at", act.at)):
        if value is not None:
            columns.append(_ITS_OWN.format(column))
            values += [client, value]
    sql = f"UPDATE captures_capturerecord SET {', '.join(columns)} WHERE {_HAS_HAD_IT}"
    with transaction.atomic():
        if not write(sql, [*values, capture_id, capture_id, client]):
            raise NotFound
        write(_UPDATE, [capture_id, client, act.at, count, total, rate])
