"""The pages of captures: the list, making one and changing it, and what is done to it."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.archive import archive, unarchive
from tcserver.captures.services.assign import assign
from tcserver.captures.services.create import TAKEN, NewCapture, create
from tcserver.captures.services.edit import edit
from tcserver.captures.services.plan import plan
from tcserver.captures.services.rows import (
    InvalidValues,
    Outdated,
    Refused,
    locked,
    must_be_newest,
)
from tcserver.captures.services.start import start
from tcserver.captures.services.stop import stop
from tcserver.captures.status import Wanted
from tcserver.fleet.models import Client, Token
from tcserver.history.acts import Act
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.people.models import Project
from tcserver.website.advice import rules_beside, told_of
from tcserver.website.asking import Visit, page
from tcserver.website.forms import CaptureForm, EditForm
from tcserver.website.listing import CaptureListing, full
from tcserver.website.live import render_live

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
    """The captures that the person may see."""
    listing = CaptureListing.of(visit)
    pages = listing.page()
    context = {
        "listing": listing,
        "watch": "captures",
        "pages": pages,
        "rows": full(pages, visit),
        "now": visit.now,
        "may_make": bool(_projects(visit)),
        "has_clients": Client.objects.filter(retired_at=None).exists(),
        "has_come": Token.objects.filter(contact_at__isnull=False).exists(),
        "administers": visit.person.administers,
    }
    return render_live(visit.request, "captures.html", context, "captures")


@require_http_methods(["GET", "POST"])
@page
def new_capture(visit: Visit) -> HttpResponse:
    """The form of a new capture."""
    projects = _projects(visit)
    if not projects:
        visit.person.must_administer()
    clients = Client.objects.filter(retired_at=None, projects__in=projects).distinct()
    form = CaptureForm(
        visit.posted(),
        projects=projects,
        clients=clients.order_by("name"),
        initial=_copied(visit),
    )
    if _is_sent(visit) and form.is_valid():
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
            with transaction.atomic():
                made = create(new, visit.act)
                plan(made.pk, told["planned_start"], told["planned_stop"], visit.act)
        except InvalidValues as e:
            _complain(form, e)
        else:
            return redirect("capture", made.pk)
    return _form_page(visit, form, None)


@require_http_methods(["GET", "POST"])
@page
def edit_capture(visit: Visit, number: int) -> HttpResponse:
    """The form of a capture that there is; its project stays."""
    row = visit.changeable(number)
    form = _edit_form(visit, row, visit.posted())
    if _is_sent(visit) and form.is_valid():
        told = form.cleaned_data
        members = {name: told[name] for name in ("name", "keywords", "description")}
        try:
            with locked(number) as there:
                must_be_newest(there, told["revision"])
                edit(number, visit.act, **members)
                assign(number, told["client"] and told["client"].pk, visit.act)
                plan(number, told["planned_start"], told["planned_stop"], visit.act)
        except InvalidValues as e:
            _complain(form, e)
        except Refused as e:
            form.add_error(None, str(e))
        except Outdated:
            row = visit.changeable(number)
            form = _edit_form(visit, row, visit.request.POST.dict() | {"revision": row.revision})
            for sentence in _meanwhile(row, told):
                form.add_error(None, sentence)
        else:
            messages.success(visit.request, f"{told['name']} is saved.")
            return redirect("capture", number)
    return _form_page(visit, form, row)


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


def _is_sent(visit: Visit) -> bool:
    """Return whether a form is to be acted on, and not only to be looked at."""
    return visit.request.method == "POST" and "check" not in visit.request.POST


def _form_page(visit: Visit, form: CaptureForm, row: CaptureRecord | None) -> HttpResponse:
    """Return the form, with how its keywords are understood."""
    beside = rules_beside(visit, form["client"].value(), row and row.pk)
    told = told_of(form["keywords"].value(), beside)
    context = {"form": form, "capture": row, "advice": told}
    return render(visit.request, "capture_form.html", context)


def _copied(visit: Visit) -> dict[str, Any]:
    """Return what a form begins with: all but the name of the capture that is copied, if any is."""
    number = visit.request.GET.get("copy", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return {}
    return _members(visit.capture(int(number)))


def _members(row: CaptureRecord) -> dict[str, Any]:
    return {
        "project": row.project_id,
        "keywords": row.keywords,
        "description": row.description,
        "client": row.client_id,
    }


def _projects(visit: Visit) -> "QuerySet[Project]":
    """Return the projects that the person may make captures in."""
    rows = Project.objects.order_by("pk")
    numbers = [pk for pk in rows.values_list("pk", flat=True) if visit.person.changes(pk)]
    return rows.filter(pk__in=numbers)


def _edit_form(visit: Visit, row: CaptureRecord, posted: Any) -> EditForm:
    """Return the form of a capture, with what there is in it, or what was typed."""
    initial = {
        "name": row.name,
        **_members(row),
        "planned_start": row.planned_start,
        "planned_stop": row.planned_stop,
        "revision": row.revision,
    }
    projects = Project.objects.filter(pk=row.project_id)
    # Whoever has it may keep it, retired or not: an edit of the keywords takes it from nobody.
    clients = Client.objects.filter(Q(retired_at=None, projects__in=projects) | Q(pk=row.client_id))
    return EditForm(
        posted,
        capture=row.pk,
        projects=projects,
        clients=clients.distinct().order_by("name"),
        initial=initial,
    )


def _meanwhile(row: CaptureRecord, told: dict[str, Any]) -> Iterator[str]:
    """Return what is to be said to whoever has typed this while others changed the capture."""
    entries = HistoryEntry.objects.filter(subject=Concerned.CAPTURE, subject_number=row.pk)
    last = entries.exclude(act="answered").order_by("-pk").first()
    who = "Somebody" if last is None else last.party_name
    yield f"{who} has changed this capture since you opened this page, so nothing was saved."
    for name in ("name", "keywords", "description", "client"):
        there = getattr(row, name)
        if told[name] != there:
            yield f"{name.capitalize()} there: {there or 'none'}"
    yield "Save again to have what stands here instead."


def _complain(form: CaptureForm, invalid: InvalidValues) -> None:
    """Put what a service has refused beside the field that it is about."""
    for member, sentences in invalid.errors.items():
        if member == "assigned_worker":
            member, sentences = "client", ["This client does not serve the project."]
        for sentence in sentences:
            form.add_error(member, _WORDS.get(sentence, sentence))


_WORDS = {TAKEN: "There is a capture of this name already."}
