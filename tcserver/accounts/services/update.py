"""To take a client's update on the progress of a capture."""

from datetime import datetime
from typing import Any

import attrs
from django.db import connection, transaction

from tcserver.hints import hint, of_numbers
from tcserver.history.acts import Act
from tcserver.people.askers import NotFound
from tcserver.sql import write

_INSERT = "INSERT INTO accounts_updaterecord (capture_id, client_id, at, count, total, rate)"
_HAS_HAD_IT = """
id = %s AND EXISTS (
    SELECT 1 FROM captures_assignment a WHERE a.capture_id = %s AND a.client_id = %s
)
"""
LARGEST = 2**63 - 1
# A sum that no column holds is none any more: SQLite would go on with a rounded one.
_ADDED = "counted = CASE WHEN counted BETWEEN %s AND %s THEN counted + %s ELSE counted END"
_ITS_OWN = "{0} = CASE WHEN client_id = %s THEN %s ELSE {0} END"


@attrs.frozen
class UpdateNumbers:
    """
    What an update tells: the new posts, all posts, and thousandths of posts a second; and `at`,
    when that was so, None for just now.
    """

    count: int | None
    total: int | None
    rate: int | None
    at: datetime | None = None


def add_update(capture_id: int, client: int, told: UpdateNumbers, act: Act) -> datetime:
    """
    Add what is told as it came, and bring the capture up to it.  Return the time that it is about,
    in whose counts it is.

    The client may have had the capture in the past: what it still sends is counted, and the total
    of the client that has it now stays its own.  Raises NotFound if it never had it.
    """
    count, total, rate = told.count, told.total, told.rate
    columns = ["update_at = %s", "update_total = %s", "update_rate = %s", "modified_at = %s"]
    values: list[Any] = [act.at, total, rate, act.at]
    if count:
        columns.append(_ADDED)
        values += [max(-LARGEST - count, -LARGEST), min(LARGEST - count, LARGEST), count]
    # What was so some time ago does not replace what the client has told since.
    newest = (total, rate) if told.at is None else (None, None)
    for column, value in zip(("total", "rate", "ping_at"), (*newest, act.at), strict=True):
        if value is not None:
            columns.append(_ITS_OWN.format(column))
            values += [client, value]
    sql = f"UPDATE captures_capturerecord SET {', '.join(columns)} WHERE {_HAS_HAD_IT}"
    at = act.at if told.at is None else min(told.at, act.at)
    change = (sql, [*values, capture_id, capture_id, client])
    _write(change, [capture_id, client, at, count, total, rate])
    hint(of_numbers(capture_id))
    return at


def _write(change: tuple[str, list[Any]], update: list[Any]) -> None:
    """Change the capture and add the update, or neither.  Raises NotFound if nothing is changed."""
    sql, values = change
    if connection.vendor == "postgresql":
        # By one statement: a transaction of two has five ways to the database and back.
        both = f"WITH changed AS ({sql} RETURNING id) {_INSERT} SELECT %s, %s, %s, %s, %s, %s"
        if not write(f"{both} FROM changed", [*values, *update]):
            raise NotFound
        return
    with transaction.atomic():
        if not write(sql, values):
            raise NotFound
        write(f"{_INSERT} VALUES (%s, %s, %s, %s, %s, %s)", update)
