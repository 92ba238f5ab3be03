"""
The few statements that run hundreds of times a second, with their SQL made once.

To have Django write a statement takes it several times as long as to run it.  Knows statements and
their parameters; knows no table.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet


class PreparedQuery:
    """
    A query of values, as `made(*blanks)` returns it, to be run with other parameters than these
    blanks, which are values that occur in it nowhere else.
    """

    def __init__(self, made: Callable[..., "QuerySet[Any, Any]"], *blanks: object) -> None:
        self._made = made
        self._blanks = blanks

    @cached_property
    def _written(self) -> tuple[str, list[tuple[int, int]], list[Any]]:
        """The SQL, which of its parameters is which of the blanks, and all of them."""
        sql, found = self._made(*self._blanks).query.sql_with_params()
        places = [
            (place, self._blanks.index(value))
            for place, value in enumerate(found)
            if value in self._blanks
        ]
        assert {blank for _, blank in places} == {*range(len(self._blanks))}, sql
        return sql, places, list(found)

    def rows(self, *values: object, limit: int | None = None, offset: int = 0) -> list[Any]:
        """Return the rows that there are with these values; times have their zone, UTC."""
        sql, places, found = self._written
        parameters = found.copy()
        for place, blank in places:
            parameters[place] = values[blank]
        if limit is not None:
            sql += " LIMIT %s OFFSET %s"
            parameters += [limit, offset]
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            rows = cursor.fetchall()
        return [tuple(map(_aware, row)) for row in rows] if connection.vendor == "sqlite" else rows


def write(sql: str, parameters: Sequence[Any]) -> int:
    """Run a statement that writes.  Return how many rows it has written."""
    with connection.cursor() as cursor:
        cursor.execute(sql, _adapted(parameters))
        number: int = cursor.rowcount
    return number


def written(sql: str, parameters: Sequence[Any]) -> list[Any]:
    """Run a statement that writes, and return what it says of the rows; no times."""
    with connection.cursor() as cursor:
        cursor.execute(sql, _adapted(parameters))
        return list(cursor.fetchall())


def write_each(sql: str, rows: Sequence[Sequence[Any]]) -> int:
    """Run a statement that writes with each of these parameters.  Return how many were written."""
    with connection.cursor() as cursor:
        cursor.executemany(sql, [_adapted(parameters) for parameters in rows])
        number: int = max(0, cursor.rowcount)
    return number


def _adapted(parameters: Sequence[Any]) -> list[Any]:
    adapt = connection.ops.adapt_datetimefield_value
    return [adapt(one) if isinstance(one, datetime) else one for one in parameters]


def _aware(value: object) -> object:
    # SQLite stores no zone, and Django stores UTC there.
    if type(value) is datetime and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value
