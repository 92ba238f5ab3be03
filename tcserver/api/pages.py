"""Lists in pages: how many there are, and where the next and the previous page are."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec
from django.db.models import QuerySet

from tcserver.api.answers import EndpointAnswer
from tcserver.api.asking import Call

PAGE_SIZE = 10
MOST = 1000
"""Most rows of a page, whatever is asked for."""

Row = TypeVar("Row")


class Page(msgspec.Struct, Generic[Row], frozen=True):
    """
    One page of a list: how many rows there are in all, and the addresses of the next and the
    previous page.
    """

    count: int
    next: str | None
    previous: str | None
    results: list[Row]


def page(call: Call, rows: "QuerySet[Any, Any]", written: Callable[[Any], Any]) -> EndpointAnswer:
    """Answer with one page of ordered rows, each as `written` returns it."""
    return page_of(
        call, lambda limit, offset: list(rows[offset : offset + limit]), rows.count, written
    )


def page_of(
    call: Call,
    read: Callable[[int, int], list[Any]],
    count_all: Callable[[], int],
    written: Callable[[Any], Any],
) -> EndpointAnswer:
    """
    Answer with one page of what `read(limit, offset)` returns: 10 rows unless `limit` asks for
    another number above 0, from `offset` on.  A list that fits in its first page is not counted.
    """
    query = call.request.GET
    limit = min(_natural(query.get("limit")) or PAGE_SIZE, MOST)
    offset = _natural(query.get("offset")) or 0
    found = read(limit + 1, offset)
    whole = offset == 0 and len(found) <= limit
    count = len(found) if whole else count_all()
    content = Page(
        count,
        None if offset + limit >= count else _address(call, limit, offset + limit),
        None if offset == 0 else _address(call, limit, offset - limit),
        [written(row) for row in found[:limit]],
    )
    return EndpointAnswer(200, content)


def base_of(call: Call) -> str:
    """Return scheme and host, for the addresses in answers."""
    return f"{call.request.scheme}://{call.request.get_host()}"


def _address(call: Call, limit: int, offset: int) -> str:
    values = {**call.request.GET.dict(), "limit": str(limit), "offset": str(offset)}
    if offset <= 0:
        del values["offset"]
    return f"{base_of(call)}{call.request.path}?{urlencode(sorted(values.items()))}"


def _natural(given: str | None) -> int | None:
    if given is None or not given.isdecimal() or not given.isascii() or len(given) > 18:
        return None
    return int(given)
