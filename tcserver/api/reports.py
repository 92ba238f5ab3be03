"""
What only clients send: updates, state, their host, and ledgers.

Knows the bodies; what becomes of them is the services' business.
"""

import re
from typing import Any

from tcclient.control.reports import Held, Host, State
from tcserver.accounts.models import UpdateRecord
from tcserver.accounts.services.ledger import append, held
from tcserver.accounts.services.update import UpdateNumbers, add_update
from tcserver.api import fields
from tcserver.api.answers import ApiRefusal, EndpointAnswer, not_found
from tcserver.api.asking import AskingClient, Call
from tcserver.api.bodies import read_body, read_json
from tcserver.api.fields import MemberField, read_members
from tcserver.api.pages import page
from tcserver.captures.services.rows import InvalidValues
from tcserver.captures.services.state import state
from tcserver.fleet.services.contact import host
from tcserver.people.askers import NotFound

UPDATE_FIELDS = {
    "job": MemberField(fields.row_id, nullable=False, required=True),
    "count": MemberField(fields.whole_number),
    "total_count": MemberField(fields.whole_number),
    "rate": MemberField(fields.rate),
}
MOST_STATES = 1000
_LEDGER = re.compile("[A-Za-z0-9_-]{1,64}")
_COLUMNS = ("at", "count", "total", "rate", "capture")


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
    count, total, rate = (values.get(name) for name in ("count", "total_count", "rate"))
    try:
        add_update(job, call.client.id, UpdateNumbers(count, total, rate), call.act)
    except NotFound:
        raise InvalidValues({"job": [f'Invalid pk "{job}" - object does not exist.']}) from None
    return EndpointAnswer(201, _members(call.now, count, total, rate, job))


def put_states(call: Call) -> EndpointAnswer:
    """Take the states of the client's captures; the answer names those that are not its own now."""
    told = read_json(call.request, list[State])
    if len(told) > MOST_STATES:
        raise ApiRefusal(400, f"There are more than {MOST_STATES} states.")
    return EndpointAnswer(200, {"not_yours": state(call.client.id, told, call.act)})


def put_host(call: Call) -> EndpointAnswer:
    """Take what the client says of its machine."""
    host(call.client.id, read_json(call.request, Host), call.now)
    return EndpointAnswer(204)


def ledger(call: Call) -> EndpointAnswer:
    """Say how many bytes of the client's ledger are held; 0 of one that is new."""
    name = _name(call)
    return EndpointAnswer(200, Held(ledger=name, held=held(call.client.id, name)))


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
    return EndpointAnswer(200 if fits else 409, Held(ledger=name, held=reached))


def _members(at: Any, count: Any, total: Any, rate: int | None, job: int) -> dict[str, Any]:
    return {
        "date": at,
        "count": count,
        "total_count": total,
        "rate": fields.written_rate(rate),
        "job": job,
    }


def _name(call: Call) -> str:
    if call.row is None or not _LEDGER.fullmatch(call.row):
        raise not_found()
    return call.row


def _number(given: str | None) -> int | None:
    if given is None or not re.fullmatch("[0-9]{1,18}", given):
        return None
    return int(given)
