"""
What only clients send: updates, state, their host, ledgers, and posts for who looks.

Knows the bodies; what becomes of them is the services' business.
"""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from tcclient.control.reports import Glimpses, Held, Host, State
from tcserver.accounts.models import UpdateRecord
from tcserver.accounts.services.ledger import FullOfLedgers, append, held
from tcserver.accounts.services.update import UpdateNumbers, add_update
from tcserver.api import fields
from tcserver.api.answers import ApiRefusal, EndpointAnswer, not_found
from tcserver.api.asking import AskingClient, Call
from tcserver.api.bodies import read_body, read_json
from tcserver.api.fields import MemberField, read_members
from tcserver.api.pages import page
from tcserver.captures.glimpses import keep
from tcserver.captures.services.rows import InvalidValues
from tcserver.captures.services.state import state
from tcserver.fleet.services.contact import host
from tcserver.people.askers import NotFound

UPDATE_FIELDS = {
    "job": MemberField(fields.row_id, nullable=False, required=True),
    "count": MemberField(fields.whole_number),
    "total_count": MemberField(fields.whole_number),
    "rate": MemberField(fields.rate),
    "at": MemberField(fields.moment),
}
MOST_STATES = 1000
MOST_OF_A_HOST = 64 << 10
"""Bytes; each page with clients reads what they have sent."""
MOST_NESTED = 16
"""How deep a budget may be: databases and Python read what is deeper only up to some depth."""
_LEDGER = re.compile("[A-Za-z0-9_-]{1,64}")
_COLUMNS = ("at", "count", "total", "rate", "capture")


class UpdateMembers(msgspec.Struct, frozen=True):
    """What a client has told of a job: posts since the update before, and in all."""

    date: datetime
    count: int | None
    total_count: int | None
    rate: str | None
    job: int


class NotYours(msgspec.Struct, frozen=True):
    """The jobs whose states were not taken, since they are not the client's now."""

    not_yours: list[int]


def updates(call: Call) -> EndpointAnswer:
    """List the updates of the captures that the asker may see, the oldest first."""
    rows = UpdateRecord.objects.order_by("pk")
    if isinstance(call.asker, AskingClient):
        rows = rows.filter(client=call.asker.id)
    elif not call.asker.administrator:
        rows = rows.filter(capture__project__in=call.asker.roles)
    return page(call, rows.values_list(*_COLUMNS), lambda row: _members(*row))


def new_update(call: Call) -> EndpointAnswer:
    """Take an update on a capture that the client has or had."""
    values, errors = read_members(UPDATE_FIELDS, read_body(call.request), partial=False)
    if errors:
        raise InvalidValues(errors)
    job = values["job"]
    count, total, rate, at = (values.get(name) for name in ("count", "total_count", "rate", "at"))
    try:
        numbers = UpdateNumbers(count, total, rate, at)
        counted_at = add_update(job, call.client.id, numbers, call.act)
    except NotFound:
        raise InvalidValues({"job": [f'Invalid pk "{job}" - object does not exist.']}) from None
    return EndpointAnswer(201, _members(counted_at, count, total, rate, job))


def put_states(call: Call) -> EndpointAnswer:
    """Take the states of the client's captures; the answer names those that are not its own now."""
    told = read_json(call.request, list[State])
    if len(told) > MOST_STATES:
        raise ApiRefusal(400, f"There are more than {MOST_STATES} states.")
    for one in told:
        look_at_state(one)
    return EndpointAnswer(200, NotYours(state(call.client.id, told, call.act)))


def put_host(call: Call) -> EndpointAnswer:
    """Take what the client says of its machine."""
    told = read_json(call.request, Host)
    if len(call.request.body) > MOST_OF_A_HOST:
        raise ApiRefusal(413, f"The request has more than {MOST_OF_A_HOST} bytes.")
    look_at_host(told)
    host(call.client.id, told, call.now)
    return EndpointAnswer(204)


def put_glimpses(call: Call) -> EndpointAnswer:
    """Show the newest posts of a capture that is the client's to who looks at them, if anybody."""
    told = read_json(call.request, Glimpses)
    if not keep(call.client.id, told):
        raise InvalidValues({"job": [f'Invalid pk "{told.job}" - object does not exist.']})
    return EndpointAnswer(204)


def ledger(call: Call) -> EndpointAnswer:
    """Say how many bytes of the client's ledger are held, and what the last of them are."""
    return EndpointAnswer(200, held(call.client.id, _name(call)))


def put_ledger(call: Call) -> EndpointAnswer:
    """
    Append the body, which is the ledger's bytes from `offset` on; `job` names the capture.  409
    says that bytes before it are missing.  Either answer has the offset held.
    """
    name, query = _name(call), call.request.GET
    offset, job = _number(query.get("offset")), query.get("job")
    if offset is None:
        raise ApiRefusal(400, {"offset": ["A valid integer is required."]})
    capture = None if job is None else _number(job)
    if job is not None and capture is None:
        raise ApiRefusal(400, {"job": ["A valid integer is required."]})
    try:
        reached, fits = append(call.client.id, name, capture, offset, call.request.body, call.act)
    except NotFound:
        raise ApiRefusal(400, {"job": [f'Invalid pk "{job}" - object does not exist.']}) from None
    except FullOfLedgers as e:
        raise ApiRefusal(400, str(e)) from None
    return EndpointAnswer(200 if fits else 409, Held(ledger=name, held=reached))


def _members(at: Any, count: Any, total: Any, rate: int | None, job: int) -> UpdateMembers:
    return UpdateMembers(at, count, total, fields.written_rate(rate), job)


def look_at_state(told: State) -> None:
    """Refuse a time whose zone puts it out of the calendar: PostgreSQL holds it unreadably."""
    for moment in (told.since, told.next_attempt):
        try:
            if moment is not None:
                moment.astimezone(UTC)
        except OverflowError:
            raise ApiRefusal(400, f"There is no time {moment}.") from None


def look_at_host(told: Host) -> None:
    """Refuse a budget that databases or Python could not read again."""
    if not _is_flat(told.budget, MOST_NESTED):
        raise ApiRefusal(400, {"budget": [f"It is nested more than {MOST_NESTED} times."]})


def _is_flat(value: Any, depth: int) -> bool:
    """Return whether no list or object in a value is nested deeper than that."""
    if not isinstance(value, dict | list):
        return True
    below = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_is_flat(one, depth - 1) for one in below)


def _name(call: Call) -> str:
    if call.row is None or not _LEDGER.fullmatch(call.row):
        raise not_found()
    return call.row


def _number(given: str | None) -> int | None:
    if given is None or not re.fullmatch("[0-9]{1,18}", given):
        return None
    return int(given)
