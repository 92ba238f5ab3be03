"""users/, clients/, jobmodifications/ and the root: what else there is to read."""

import json
from typing import Any

from tcserver.api.answers import EndpointAnswer, not_found
from tcserver.api.asking import AskingClient, Call
from tcserver.api.jobs import job_address, job_members, job_rows
from tcserver.api.pages import base_of, page
from tcserver.captures.models import CaptureRecord
from tcserver.fleet.models import Client
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.people.identity import server_id
from tcserver.people.models import User

LISTS = ["activejobs", "clients", "jobmodifications", "jobs", "update", "users"]
_EDITED = ("name", "description", "keywords")


def root(call: Call) -> EndpointAnswer:
    """Name the lists, and this server by the id that it has under any address."""
    addresses = {name: f"{base_of(call)}/api/{name}/" for name in LISTS}
    return EndpointAnswer(200, {**addresses, "server": server_id()})


def users(call: Call) -> EndpointAnswer:
    """List the asker, a client or a person; an administrator sees all people."""
    if isinstance(call.asker, AskingClient):
        rows: Any = Client.objects.filter(pk=call.asker.id).values_list("pk", "name")
    else:
        rows = User.objects.values_list("pk", "username")
        if not call.asker.administrator:
            rows = rows.filter(pk=call.asker.id)
    rows = rows.order_by("pk")
    if call.row is None:
        return page(call, rows, lambda row: {"id": row[0], "username": row[1]})
    current = call.row == "current" and not isinstance(call.asker, AskingClient)
    row = rows.filter(pk=call.asker.id if current else call.number()).first()
    if row is None:
        raise not_found()
    return EndpointAnswer(200, {"id": row[0], "username": row[1]})


def clients(call: Call) -> EndpointAnswer:
    """List the asking client, or those that serve a person's projects; never their tokens."""
    rows = Client.objects.filter(retired_at=None).order_by("pk")
    if isinstance(call.asker, AskingClient):
        rows = rows.filter(pk=call.asker.id)
    elif not call.asker.administrator:
        rows = rows.filter(projects__in=call.asker.roles).distinct()
    if call.row is None:
        return page(call, rows, lambda row: _client(call, row))
    client = rows.filter(pk=call.number()).first()
    if client is None:
        raise not_found()
    return EndpointAnswer(200, _client(call, client))


def modifications(call: Call) -> EndpointAnswer:
    """List who changed names, descriptions and keywords of captures, the oldest first."""
    captures = CaptureRecord.objects.values_list("pk", flat=True)
    if isinstance(call.asker, AskingClient):
        captures = captures.filter(assignments__client=call.asker.id)
    elif not call.asker.administrator:
        captures = captures.filter(project__in=call.asker.roles)
    rows = HistoryEntry.objects.filter(subject=Concerned.CAPTURE, act__in=("edited", "re-keyed"))
    rows = rows.filter(subject_number__in=captures).order_by("pk")
    job = call.request.GET.get("job")
    if job is not None:
        known = job.isdecimal() and job.isascii() and len(job) <= 18
        rows = rows.filter(subject_number=int(job)) if known else rows.none()
    return page(call, rows, _modification)


def _client(call: Call, client: Client) -> dict[str, Any]:
    captures = client.captures.filter(archived_at=None, deleted_at=None)
    if not isinstance(call.asker, AskingClient) and not call.asker.administrator:
        captures = captures.filter(project__in=call.asker.roles)
    base = base_of(call)
    token = client.tokens.filter(revoked_at=None).order_by("-pk").first()
    return {
        "id": client.pk,
        "username": client.name,
        "last_login": None,
        "active_jobs": [
            job_members(row, job_address(base, row[0], {}, None)) for row in job_rows(captures)
        ],
        # What the contract has the whole token for: its readable beginning.
        "auth_token": token and {"key": f"{token.prefix}…", "created": token.created_at},
    }


def _modification(entry: HistoryEntry) -> dict[str, Any]:
    changes: dict[str, dict[str, Any]] = {}
    for name in _EDITED:
        if name in entry.after:
            changes[name] = {"old": entry.before.get(name), "new": entry.after[name]}
    if "keywords" in changes:
        old, new = _terms(changes["keywords"]["old"]), _terms(changes["keywords"]["new"])
        changes["keywords"] |= {"additions": sorted(new - old), "deletions": sorted(old - new)}
    return {
        "id": entry.pk,
        "changes": json.dumps(changes),
        "job": entry.subject_number,
        "modified_by": entry.party_number,
        "modified_by_username": entry.party_name,
    }


def _terms(keywords: str | None) -> set[str]:
    return {term.strip() for term in (keywords or "").split(",")} - {""}
