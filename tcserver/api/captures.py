"""
jobs/ and activejobs/: captures read and written, by their clients and by people's scripts.

Knows who sees which, and which act each member of a write asks for.
"""

from typing import Any

from django.db import transaction
from msgspec import UNSET, UnsetType, structs

from tcserver.api import fields
from tcserver.api.answers import EndpointAnswer, not_allowed, not_found
from tcserver.api.asking import AskingClient, Call
from tcserver.api.bodies import read_body
from tcserver.api.fields import MemberField, SentMembers, read_members
from tcserver.api.jobs import ACTIVE, ANY, JobMembers, job_address, job_members, job_row, job_rows
from tcserver.api.pages import Page, base_of, page, page_of
from tcserver.captures.glimpses import looked_at
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.archive import archive, unarchive
from tcserver.captures.services.assign import assign
from tcserver.captures.services.create import NewCapture, create
from tcserver.captures.services.delete import delete
from tcserver.captures.services.edit import EDITED, edit
from tcserver.captures.services.report import answer, report
from tcserver.captures.services.rows import InvalidValues, locked, must_be_newest
from tcserver.captures.services.start import start
from tcserver.captures.services.stop import stop
from tcserver.captures.status import Wanted, wanted_by
from tcserver.people.askers import Person
from tcserver.people.identity import server_id
from tcserver.people.models import Project

_MOMENTS = ["first_started", "started", "stopped", "ping_date", "archived_date", "deleted_date"]
_ROWS = ["assigned_worker", "created_by", "modified_by", "deleted_by", "project"]
JOB_FIELDS = {
    "name": MemberField(fields.job_name, nullable=False, required=True),
    "description": MemberField(fields.text),
    "keywords": MemberField(fields.text),
    "status": MemberField(fields.status, nullable=False, required=True),
    "task_id": MemberField(fields.whole_number),
    "total_count": MemberField(fields.whole_number),
    "rate": MemberField(fields.rate),
    "revision": MemberField(fields.whole_number),
    **{member: MemberField(fields.moment) for member in _MOMENTS},
    **{member: MemberField(fields.row_id) for member in _ROWS},
}
_REPORTED = {"task_id": "task", "total_count": "total", "rate": "rate"}
"""The members that are a client's to write, and their columns; the rest of its write is let be."""


class JobPage(Page[JobMembers], frozen=True):
    """
    A page of jobs, with the id that this server has under any address; to a client it says at the
    posts of which of them somebody looks, if of any.
    """

    server_id: str
    looks: list[int] | UnsetType = UNSET


def active_jobs(call: Call) -> EndpointAnswer:
    """List the captures that are the client's now, or all of a person's that are not archived."""
    captures = _active(call)
    if not isinstance(call.asker, AskingClient):
        return _list(call, captures)
    read, client = ACTIVE.rows, call.asker.id
    answer = _with_server(
        page_of(
            call,
            lambda limit, offset: read(client, limit=limit, offset=offset),
            captures.count,
            lambda row: _written(call, row),
        )
    )
    looks = looked_at([job.id for job in answer.content.results])
    if not looks:
        return answer
    return EndpointAnswer(answer.status, structs.replace(answer.content, looks=looks))


def all_jobs(call: Call) -> EndpointAnswer:
    """List the captures that a client has had, or that a person may see."""
    captures = _visible(call).filter(deleted_at=None)
    wanted = call.request.GET.get("active")
    if wanted in ("true", "True"):
        captures = captures.filter(archived_at=None)
    elif wanted == "False":
        captures = captures.exclude(archived_at=None)
    return _list(call, captures)


def active_job(call: Call) -> EndpointAnswer:
    """Show one of those that active_jobs() lists."""
    return EndpointAnswer(200, _one(call, _active(call)))


def job(call: Call) -> EndpointAnswer:
    """Show one of those that all_jobs() lists, or one that was deleted."""
    return EndpointAnswer(200, _one(call, _visible(call)))


def new_job(call: Call) -> EndpointAnswer:
    """Make a capture, as a person wants it."""
    if not call.person.may_write:
        raise not_allowed()
    values = _values(read_body(call.request), partial=False)
    project = _project(call.person, values.get("project"))
    status = wanted_by(values["status"]) or Wanted.NOTHING
    new = NewCapture(
        project,
        values["name"],
        values.get("keywords"),
        values.get("description"),
        values.get("assigned_worker"),
        Wanted.RUN if status == Wanted.RUN else Wanted.NOTHING,
    )
    made = create(new, call.act)
    return EndpointAnswer(201, _written(call, ANY.rows(made.pk)[0]))


def write_job(call: Call) -> EndpointAnswer:
    """Write members of a capture: a client reports, a person wants."""
    values = _values(read_body(call.request), partial=call.request.method == "PATCH")
    number = call.number()
    if isinstance(call.asker, AskingClient):
        written = _report(call, number, values)
        if written is not None:
            return EndpointAnswer(200, _written(call, job_row(written)))
    else:
        _want(call, call.asker, number, values)
    return EndpointAnswer(200, _written(call, ANY.rows(number)[0]))


def delete_job(call: Call) -> EndpointAnswer:
    """Delete a capture, as a person wants it."""
    _changeable(call.person, call.number())
    delete(call.number(), call.act)
    return EndpointAnswer(204)


def _report(call: Call, number: int, values: dict[str, Any]) -> CaptureRecord | None:
    """Write what a client tells.  Return the capture, where it was read for that."""
    columns = {column: values[name] for name, column in _REPORTED.items() if name in values}
    if "status" not in values:
        report(number, call.client.id, columns, call.act)
        return None
    # Older clients put whole jobs back, with a revision that they know nothing of.
    seen = values.get("revision") if call.request.method == "PATCH" else None
    return answer(number, call.client.id, values["status"], columns, call.act, seen=seen)


def _want(call: Call, person: Person, number: int, values: dict[str, Any]) -> None:
    """Do all that the members of a write ask for, or nothing."""
    _changeable(person, number)
    if "assigned_worker" in values and values["assigned_worker"] is None:
        del values["assigned_worker"]
    act, edited = call.act, {name: values[name] for name in EDITED & values.keys()}
    with transaction.atomic(), locked(number) as capture:
        must_be_newest(capture, values.get("revision", capture.revision))
        if "archived_date" in values and values["archived_date"] is None:
            unarchive(number, act)
        if edited:
            edit(number, act, **edited)
        if "assigned_worker" in values:
            assign(number, values["assigned_worker"], act)
        wanted = wanted_by(values["status"]) if "status" in values else None
        if wanted is not None and wanted != capture.wanted:
            (start if wanted == Wanted.RUN else stop)(number, act)
        if values.get("archived_date") is not None:
            archive(number, act)


def _values(body: SentMembers, partial: bool) -> dict[str, Any]:
    """Return the members of a write.  Raises InvalidValues."""
    values, errors = read_members(JOB_FIELDS, body, partial)
    if errors:
        raise InvalidValues(errors)
    return values


def _project(person: Person, wanted: int | None) -> int:
    """Return the project of a new capture: the wanted one, or the first that there is."""
    projects = Project.objects.order_by("pk").values_list("pk", flat=True)
    found = [pk for pk in projects if wanted in (None, pk) and person.sees(pk)]
    changeable = [pk for pk in found if person.changes(pk)]
    if changeable:
        return changeable[0]
    if found or wanted is None:
        raise not_allowed()
    raise InvalidValues({"project": [f'Invalid pk "{wanted}" - object does not exist.']})


def _changeable(person: Person, number: int) -> None:
    """Raise NotFound for what the person may not see, and Forbidden for what may not be changed."""
    row = CaptureRecord.objects.filter(pk=number).values_list("project").first()
    if row is None:
        raise not_found()
    person.must_change(row[0])


def _active(call: Call) -> Any:
    captures = CaptureRecord.objects.filter(archived_at=None, deleted_at=None)
    if isinstance(call.asker, AskingClient):
        return captures.filter(client=call.asker.id)
    return _of_person(captures, call.asker)


def _visible(call: Call) -> Any:
    if isinstance(call.asker, AskingClient):
        return CaptureRecord.objects.filter(assignments__client=call.asker.id)
    return _of_person(CaptureRecord.objects.all(), call.asker)


def _of_person(captures: Any, person: Person) -> Any:
    return captures if person.administrator else captures.filter(project__in=person.roles)


def _list(call: Call, captures: Any) -> EndpointAnswer:
    return _with_server(page(call, job_rows(captures), lambda row: _written(call, row)))


def _with_server(answer: EndpointAnswer) -> EndpointAnswer:
    """Say by `server_id` whose list an answer is, under whatever address."""
    page = answer.content
    content = JobPage(page.count, page.next, page.previous, page.results, server_id())
    return EndpointAnswer(answer.status, content)


def _one(call: Call, captures: Any) -> JobMembers:
    """Return one capture of these.  Raises ApiRefusal 404."""
    row = next(iter(job_rows(captures.filter(pk=call.number()))), None)
    if row is None:
        raise not_found()
    return _written(call, row)


def _written(call: Call, row: tuple[Any, ...]) -> JobMembers:
    query = call.request.GET.dict() if call.request.GET else {}
    return job_members(row, job_address(base_of(call), row[0], query, call.suffix))
