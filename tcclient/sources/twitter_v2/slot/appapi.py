"""
Requests about the app itself at X API v2: its connections, their end, and how many posts it used.

Knows requests and answers; does not know whose a connection is, nor when to ask.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from twisted.web.http_headers import Headers

from tcclient.http.dates import date_of
from tcclient.runtime.backoff import RefusalError
from tcclient.sources.twitter_v2.asking import NONSENSE, XRequests
from tcclient.sources.twitter_v2.bearer import Bearer

TIMEOUT = 10.0
"""Seconds for a request and its whole answer: less than a check has, as nothing depends on it."""
MOST_BYTES = 1 << 20
"""Bytes of the longest answer: a hundred connections have some 20,000."""
MOST_CONNECTIONS = 100

_CONNECTIONS = (
    f"connections?status=active&max_results={MOST_CONNECTIONS}"
    "&connection.fields=client_ip,connected_at,endpoint_name,id"
)
_USAGE = "usage/tweets?usage.fields=cap_reset_day,project_cap,project_usage"


class OpenConnection(Struct, frozen=True):
    """
    A connection that X has for the app: of which endpoint, since when (epoch seconds by X's clock),
    and from which address, empty where X does not say.
    """

    id: str
    endpoint: str
    since: float
    client_ip: str = ""


class Connections(Struct, frozen=True):
    """The connections that X has at the time `now` by its own clock."""

    open: tuple[OpenConnection, ...]
    now: float


class PostUsage(Struct, frozen=True):
    """
    How many posts the project has used of how many, in the cycle that ends on the day `reset_day`
    of the month; None where X does not say.
    """

    used: int
    cap: int
    reset_day: int | None = None


class AppApi:
    """Asks X about one app.  All methods raise RefusalError and CancelledError only."""

    def __init__(self, bearer: Bearer) -> None:
        self._requests = XRequests(bearer, TIMEOUT, MOST_BYTES)
        self._wall = bearer.wall

    async def connections(self) -> Connections:
        """Return the active connections of the app."""
        answer, headers = await self._ask("GET", _CONNECTIONS)
        now = date_of(headers)
        return Connections(tuple(_open(answer)), self._wall() if now is None else now)

    async def end(self, ids: Sequence[str]) -> bool:
        """End connections by their ids.  Return whether X has ended all of them."""
        answer, _ = await self._ask("DELETE", "connections", {"uuids": list(ids)})
        data = answer.get("data")
        return isinstance(data, dict) and data.get("successful_kills") == len(ids)

    async def usage(self) -> PostUsage:
        """Return how many posts of the plan's cap are used."""
        answer, _ = await self._ask("GET", _USAGE)
        data = answer.get("data")
        found = data if isinstance(data, dict) else {}
        used, cap = _whole(found.get("project_usage")), _whole(found.get("project_cap"))
        if used is None or not cap:
            raise RefusalError("the answer does not say what is used of the plan", NONSENSE)
        return PostUsage(used, cap, _whole(found.get("cap_reset_day")))

    async def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], Headers]:
        found = await self._requests.ask(method, path, body)
        if found.status != 200:
            meaning = self._requests.meaning(found)
            raise RefusalError(f"the answer was {found.status}", meaning, found.status)
        answer = found.content()
        if not isinstance(answer, dict):
            raise RefusalError("the answer is not a JSON object", NONSENSE)
        if answer.get("errors") and "data" not in answer:
            raise RefusalError("the answer has nothing but errors", NONSENSE)
        return answer, found.headers


def _open(answer: dict[str, Any]) -> Iterator[OpenConnection]:
    """Yield the connections in an answer; what is none is passed over."""
    data = answer.get("data")
    for one in data if isinstance(data, list) else ():
        if not isinstance(one, dict):
            continue
        name, endpoint, ip = (_text(one.get(n)) for n in ("id", "endpoint_name", "client_ip"))
        try:
            since = datetime.fromisoformat(one["connected_at"]).timestamp()
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
        if name and endpoint:
            yield OpenConnection(name, endpoint, since, ip)


def _text(value: object) -> str:
    """Return a name or an address, which are ASCII; empty for anything else."""
    return value if isinstance(value, str) and value.isascii() else ""


def _whole(value: object) -> int | None:
    """Return a whole number from 0, which X also writes as a text; None for anything else."""
    text = str(value) if type(value) in (int, str) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
