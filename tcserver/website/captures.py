"""The pages of captures: the list, one of them, making one, and what is done to it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Max, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.archive import archive, unarchive
from tcserver.captures.services.assign import assign
from tcserver.captures.services.create import NewCapture, create
from tcserver.captures.services.edit import edit
from tcserver.captures.services.rows import InvalidValues, Refused
from tcserver.captures.services.start import start
from tcserver.captures.services.stop import stop
from tcserver.captures.status import Wanted
from tcserver.fleet.models import Client, Token
from tcserver.history.acts import Act
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.people.models import Project
from tcserver.website.asking import Visit, page
from tcserver.website.forms import CaptureForm
from tcserver.website.showing import rate_of, state_of

ENTRIES = 50
ACTS: dict[str, tuple[Callable[[int, Act], CaptureRecord], str]] = {
    "start": (start, "was asked to start"),
    "stop": (stop, "was asked to stop"),
    "archive": (archive, "is in the archive; Unarchive takes it out again"),
    "unarchive": (unarchive, "is out of the archive; it stays stopped until you start it"),
}
"""What the buttons of a capture do, and what is said when it is done."""


@require_GET
@page
def captures(visit: Visit) -> HttpResponse:
    """The captures that the person may see; those in the archive where they are asked for."""
    archived = visit.request.GET.get("show") == "archive"
    rows = _visible(visit).select_related("client").order_by("name")
    rows = rows.exclude(archived_at=None) if archived else rows.filter(archived_at=None)
    shown = [
        {
            "capture": row,
            "state": state_of(row, row.contact_at, visit.now),
            "rate": rate_of(row),
            "contact_at": row.contact_at,
        }
        for row in rows.annotate(contact_at=Max("client__tokens__contact_at"))
    ]
    context = {
        "rows": shown,
        "archived": archived,
        "may_make": bool(_projects(visit)),
        "has_clients": Client.objects.filter(retired_at=None).exists(),
        "administers": visit.person.administers,
    }
    return render(visit.request, "captures.html", context)


@require_GET
@page
def capture(visit: Visit, number: int) -> HttpResponse:
    """One capture: what was asked, what its client says, and its history."""
    row = visit.capture(number)
    tokens = Token.objects.filter(client=row.client_id)
    contact = tokens.aggregate(last=Max("contact_at"))["last"]
    entries = HistoryEntry.objects.filter(subject=Concerned.CAPTURE, subject_number=number)
    context = {
        "capture": row,
        "state": state_of(row, contact, visit.now),
        "rate": rate_of(row),
        "contact_at": contact,
        "history": entries.order_by("-pk")[:ENTRIES],
        "may_change": visit.person.changes(row.project_id),
        "running": row.wanted == Wanted.RUN,
    }
    return render(visit.request, "capture.html", context)


@require_http_methods(["GET", "POST"])
@page
def new_capture(visit: Visit) -> HttpResponse:
    """The form of a new capture."""
    projects = _projects(visit)
    if not projects:
        visit.person.must_administer()
    form = _form(visit, projects)
    if visit.request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        client = told["client"] and told["client"].pk
        wanted = Wanted.RUN if "start" in visit.request.POST else Wanted.NOTHING
        new = NewCapture(
            told["project"].pk,
            told["name"],
            told["keywords"],
            told["description"],
            client,
            wanted,
        )
        try:
            made = create(new, visit.act)
        except InvalidValues as e:
            _complain(form, e)
        else:
            return redirect("capture", made.pk)
    return render(visit.request, "capture_form.html", {"form": form, "capture": None})


@require_http_methods(["GET", "POST"])
@page
def edit_capture(visit: Visit, number: int) -> HttpResponse:
    """The form of a capture that there is; its project stays."""
    row = visit.changeable(number)
    initial = {
        "name": row.name,
        "project": row.project_id,
        "keywords": row.keywords,
        "description": row.description,
        "client": row.client_id,
    }
    form = _form(visit, Project.objects.filter(pk=row.project_id), initial=initial)
    if visit.request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            members = {name: told[name] for name in ("name", "keywords", "description")}
            edit(number, visit.act, **members)
            assign(number, told["client"] and told["client"].pk, visit.act)
        except InvalidValues as e:
            _complain(form, e)
        else:
            return redirect("capture", number)
    return render(visit.request, "capture_form.html", {"form": form, "capture": row})


@require_POST
@page
def act_on_capture(visit: Visit, number: int, act: str) -> HttpResponse:
    """Do what a button says, and show the capture."""
    row = visit.changeable(number)
    does, said = ACTS[act]
    try:
        does(number, visit.act)
        messages.success(visit.request, f"{row.name} {said}.")
    except Refused as e:
        messages.error(visit.request, str(e))
    return redirect("capture", number)


def _visible(visit: Visit) -> "QuerySet[CaptureRecord]":
    rows = CaptureRecord.objects.filter(deleted_at=None)
    return rows if visit.person.administrator else rows.filter(project__in=visit.person.roles)


def _projects(visit: Visit) -> "QuerySet[Project]":
    """Return the projects that the person may make captures in."""
    rows = Project.objects.order_by("pk")
    numbers = [pk for pk in rows.values_list("pk", flat=True) if visit.person.changes(pk)]
    return rows.filter(pk__in=numbers)


def _form(visit: Visit, projects: "QuerySet[Project]", **more: Any) -> CaptureForm:
    posted = visit.request.POST if visit.request.method == "POST" else None
    clients = Client.objects.filter(retired_at=None, projects__in=projects).distinct()
    return CaptureForm(posted, projects=projects, clients=clients.order_by("name"), **more)


def _complain(form: CaptureForm, invalid: InvalidValues) -> None:
    """Put what a service has refused beside the field that it is about."""
    for member, sentences in invalid.errors.items():
        field = "client" if member == "assigned_worker" else member
        for sentence in sentences:
            form.add_error(field, _WORDS.get(sentence, "This client does not serve the project."))


_WORDS = {"Job with this name already exists.": "There is a capture of this name already."}
