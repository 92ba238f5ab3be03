"""
The connections of one X app: which hold its slots, which have ended, and how it ends its own.

Knows records and slots; hangs up only by the stream that a record has.  Time is a parameter.  The
shapes are those of openapi.json at docs.x.com, the limits those of its "Rate limits" page.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import attrs
import msgspec

from tcsandbox.twitter.common.stream import Stream
from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v2 import problems
from tcsandbox.twitter.v2.objects import iso
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.v2.problems import Denied, Reply

ENDPOINTS = {"search/stream": "filtered_stream", "sample/stream": "sample_stream"}
"""The path of a stream -> what its connections are called."""
FIELDS = (
    "client_ip",
    "connected_at",
    "disconnect_reason",
    "disconnected_at",
    "endpoint_name",
    "id",
)
ALWAYS = {"connected_at", "endpoint_name", "id"}
STATUSES = ("active", "inactive", "all")
MOST_REMEMBERED = 100
MOST_RESULTS = 100


@attrs.define(eq=False)
class AppConnection:
    """A connection; its slot is taken until X knows that it has gone, at `gone`, None for never."""

    id: str
    endpoint: str
    since: float
    client_ip: str
    stream: Stream | None = None
    gone: float | None = None
    reason: str = ""

    def is_active(self, now: float) -> bool:
        """Return whether the slot is taken."""
        return self.gone is None or now < self.gone

    def as_json(self, now: float, fields: Collection[str]) -> Json:
        """Return those of its fields that have a value."""
        said = {"id": self.id, "endpoint_name": self.endpoint, "connected_at": _date(self.since)}
        said["client_ip"] = self.client_ip
        if self.gone is not None and not self.is_active(now):
            said |= {"disconnected_at": _date(self.gone), "disconnect_reason": self.reason}
        return {name: said[name] for name in FIELDS if name in said and name in {*fields, *ALWAYS}}


class _ToEnd(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a DELETE by ids."""

    uuids: list[str]


@attrs.define
class AppConnections:
    """All connections of an app, the oldest first."""

    _rng: Random
    _all: list[AppConnection] = attrs.Factory(list)

    def admit(self, endpoint: str, client_ip: str, plan: Plan, now: float) -> AppConnection:
        """Return the record of a stream that begins; raise Denied while all slots are taken."""
        ended = [one for one in self._all if not one.is_active(now)]
        for one in ended[:-MOST_REMEMBERED]:
            self._all.remove(one)
        if sum(one.is_active(now) for one in self._all) >= plan.connections:
            raise Denied(problems.TOO_MANY_CONNECTIONS)
        name = str(UUID(bytes=self._rng.randbytes(16), version=4))
        found = AppConnection(name, ENDPOINTS[endpoint], now, client_ip)
        self._all.append(found)
        return found

    def listed(self, params: Mapping[str, str], now: float) -> Reply:
        """Answer a GET, by the status and the endpoints that it names; raise Denied."""
        status = _chosen(params, "status", STATUSES, "active")[0]
        endpoints = _chosen(params, "endpoints", ENDPOINTS.values(), ",".join(ENDPOINTS.values()))
        fields = _chosen(params, "connection.fields", FIELDS, ",".join(FIELDS))
        most, token = params.get("max_results", "10"), params.get("pagination_token", "0")
        if not (most.isdigit() and 1 <= int(most) <= MOST_RESULTS and token.isdigit()):
            raise problems.bad_parameter("max_results", most, "is not between 1 and 100")
        found = [
            one
            for one in reversed(self._all)
            if one.endpoint in endpoints and status in ("all", _status(one, now))
        ]
        page = found[int(token) : int(token) + int(most)]
        meta: Json = {"result_count": len(page)}
        if int(token) + len(page) < len(found):
            meta["next_token"] = str(int(token) + len(page))
        data = {"data": [one.as_json(now, fields) for one in page]} if page else {}
        return Reply(200, {**data, "meta": meta})

    def end_by_id(self, body: bytes, now: float) -> Reply:
        """Answer a DELETE of the ids in a body; raise Denied for another body."""
        try:
            wanted = msgspec.json.decode(body, type=_ToEnd).uuids
        except msgspec.DecodeError as e:
            raise Denied(problems.invalid_request(f"The body is invalid: {e}")) from e
        return self._end(wanted, lambda one: one.id in wanted, now)

    def end_all(self, endpoint: str | None, now: float) -> Reply:
        """Answer a DELETE of all connections, or of those of one endpoint."""
        return self._end((), lambda one: endpoint in (None, one.endpoint), now)

    def _end(
        self, wanted: Iterable[str], is_meant: Callable[[AppConnection], bool], now: float
    ) -> Reply:
        ended = [one for one in self._all if one.is_active(now) and is_meant(one)]
        for one in ended:
            one.gone, one.reason = now, "Connection was terminated by the app"
            if one.stream is not None:
                one.stream.wire.end()
        known = [one.id for one in ended]
        lost = [name for name in dict.fromkeys(wanted) if name not in known]
        results: list[Json] = [{"uuid": name, "success": True} for name in known]
        why = "There is no such active connection"
        results += [{"uuid": name, "success": False, "error_message": why} for name in lost]
        numbers = {"successful_kills": len(known), "failed_kills": len(lost)}
        return Reply(200, {"data": {**numbers, "results": results}})


def _chosen(
    params: Mapping[str, str], name: str, known: Collection[str], default: str
) -> list[str]:
    """Return the values of a parameter, which has some of the known ones; raise Denied."""
    values = params.get(name, default).split(",")
    if not {*values} <= {*known}:
        raise problems.bad_parameter(name, ",".join(values), f"is not one of [{','.join(known)}]")
    return values


def _status(one: AppConnection, now: float) -> str:
    return "active" if one.is_active(now) else "inactive"


def _date(at: float) -> str:
    return iso(datetime.fromtimestamp(at, UTC))
