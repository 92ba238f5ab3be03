"""users/, clients/, jobmodifications/ and the root: what else there is to read."""

import json
from collections import defaultdict
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import QuerySet

from tcserver.api.answers import EndpointAnswer, not_found
from tcserver.api.asking import AskingClient, Call
from tcserver.api.jobs import JobMembers, job_address, job_members, job_rows
from tcserver.api.pages import base_of, page, page_of
from tcserver.captures.models import CaptureRecord
from tcserver.fleet.models import Client, Token
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.people.identity import server_id
from tcserver.people.models import User

_EDITED = ("name", "description", "keywords")


class RootMembers(msgspec.Struct, frozen=True):
    """The addresses of the lists, and the id that this server has under any address."""

    activejobs: str
    clients: str
    jobmodifications: str
    jobs: str
    update: str
    users: str
    server: str


class UserMembers(msgspec.Struct, frozen=True):
    """A person, or the client that asks."""

    id: int
    username: str


class ShownToken(msgspec.Struct, frozen=True):
    """What may be shown of a token: its readable beginning."""

    key: str
    created: datetime


class ClientMembers(msgspec.Struct, frozen=True):
    """A client, with the jobs that are its own now."""

    id: int
    username: str
    last_login: None
    active_jobs: list[JobMembers]
    auth_token: ShownToken | None


class ModificationMembers(msgspec.Struct, frozen=True):
    """A change of a job's name, description or keywords; `changes` is JSON in a text."""

    id: int
    changes: str
    job: int
    modified_by: int | None
    modified_by_username: str


def root(call: Call) -> EndpointAnswer:
    """Name the lists, and this server by the id that it has under any address."""
    lists = RootMembers.__struct_fields__[:-1]
    addresses = {name: f"{base_of(call)}/api/{name}/" for name in lists}
    return EndpointAnswer(200, msgspec.convert({**addresses, "server": server_id()}, RootMembers))


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
        return page(call, rows, lambda row: UserMembers(*row))
    current = call.row == "current" and not isinstance(call.asker, AskingClient)
    row = rows.filter(pk=call.asker.id if current else call.number()).first()
    if row is None:
        raise not_found()
    return EndpointAnswer(200, UserMembers(*row))


def clients(call: Call) -> EndpointAnswer:
    """List the asking client, or those that serve a person's projects; never their tokens."""
    rows = Client.objects.filter(retired_at=None).order_by("pk")
    if isinstance(call.asker, AskingClient):
        rows = rows.filter(pk=call.asker.id)
    elif not call.asker.administrator:
        rows = rows.filter(projects__in=call.asker.roles).distinct()
    if call.row is None:

        def read(limit: int, offset: int) -> list[ClientMembers]:
            return _clients(call, rows[offset : offset + limit])

        return page_of(call, read, rows.count, lambda client: client)
    found = _clients(call, rows.filter(pk=call.number()))
    if not found:
        raise not_found()
    return EndpointAnswer(200, found[0])


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


def _clients(call: Call, rows: "QuerySet[Client]") -> list[ClientMembers]:
    """Return the members of clients, in three statements however many there are."""
    clients = {client.pk: client for client in rows}
    captures = CaptureRecord.objects.filter(client__in=clients, archived_at=None, deleted_at=None)
    if not isinstance(call.asker, AskingClient) and not call.asker.administrator:
        captures = captures.filter(project__in=call.asker.roles)
    base = base_of(call)
    jobs: defaultdict[int | None, list[JobMembers]] = defaultdict(list)
    for row in job_rows(captures):
        job = job_members(row, job_address(base, row[0], {}, None))
        jobs[job.assigned_worker].append(job)
    valid = Token.objects.filter(client__in=clients, revoked_at=None).order_by("pk")
    # The contract has the whole token here.
    shown = {one.client_id: ShownToken(f"{one.prefix}…", one.created_at) for one in valid}
    return [
        ClientMembers(number, client.name, None, jobs[number], shown.get(number))
        for number, client in clients.items()
    ]


def _modification(entry: HistoryEntry) -> ModificationMembers:
    changes: dict[str, dict[str, Any]] = {}
    for name in _EDITED:
        if name in entry.after:
            changes[name] = {"old": entry.before.get(name), "new": entry.after[name]}
    if "keywords" in changes:
        old, new = _terms(changes["keywords"]["old"]), _terms(changes["keywords"]["new"])
        changes["keywords"] |= {"additions": sorted(new - old), "deletions": sorted(old - new)}
    who = (entry.party_number, entry.party_name)
    return ModificationMembers(entry.pk, json.dumps(changes), entry.subject_number, *who)


def _terms(keywords: str | None) -> set[str]:
    return {term.strip() for term in (keywords or "").split(",")} - {""}
