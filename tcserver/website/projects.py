"""The pages of projects: which there are, making and renaming one, and its members."""

from django.contrib import messages
from django.db.models import Case, Count, F, Q, Value, When
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tcserver.history.models import Concerned, HistoryEntry
from tcserver.people.askers import NotFound
from tcserver.people.listing import projects_for
from tcserver.people.models import Project, User
from tcserver.people.services.people import give_role
from tcserver.people.services.projects import ProjectNameTaken, create_project, rename_project
from tcserver.website.asking import Visit, page
from tcserver.website.forms import ROLES, MemberForm, ProjectForm

ENTRIES = 50
TAKEN = "There is a project of this name already."


@require_GET
@page
def projects(visit: Visit) -> HttpResponse:
    """The projects that the person may see."""
    there = Q(captures__archived_at=None, captures__deleted_at=None)
    rows = projects_for(visit.person).annotate(
        members=Count("memberships", distinct=True),
        kept=Count("captures", filter=there, distinct=True),
    )
    context = {
        "rows": [{"project": row, "role": _role(visit, row)} for row in rows],
        "administers": visit.person.administers,
    }
    return render(visit.request, "projects.html", context)


@require_GET
@page
def project(visit: Visit, number: int) -> HttpResponse:
    """One project: its members, the clients that serve it, its history."""
    found = _found(visit, number)
    others = User.objects.filter(is_active=True).exclude(memberships__project=number)
    context = {
        "project": found,
        "members": found.memberships.select_related("person").order_by("person__username"),
        "others": others.order_by("username") if visit.person.administers else [],
        "roles": ROLES,
        "clients": found.clients.filter(retired_at=None).order_by("name"),
        "history": _newest(number),
        "administers": visit.person.administers,
    }
    return render(visit.request, "project.html", context)


def _newest(project: int) -> list[HistoryEntry]:
    """Return the newest entries on a project and on people in it, with whom they are about."""
    of_person = When(subject=Concerned.PERSON, then=F("subject_name"))
    rows = HistoryEntry.objects.annotate(about=Case(of_person, default=Value("")))
    found: list[HistoryEntry] = []
    # Together they would be looked for among all that was ever done to the project's captures.
    for subject in (Concerned.PROJECT, Concerned.PERSON):
        entries = rows.filter(project_number=project, subject=subject).order_by("-pk")
        found += entries[:ENTRIES]
    return sorted(found, key=lambda entry: entry.pk, reverse=True)[:ENTRIES]


@require_http_methods(["GET", "POST"])
@page
def new_project(visit: Visit) -> HttpResponse:
    """The form of a new project."""
    visit.person.must_administer()
    form = ProjectForm(visit.posted())
    if form.is_valid():
        try:
            made = create_project(form.cleaned_data["name"], visit.act)
        except ProjectNameTaken:
            form.add_error("name", TAKEN)
        else:
            return redirect("project", made.pk)
    return _form_page(visit, form, "New project", "Make it", reverse("projects"))


@require_http_methods(["GET", "POST"])
@page
def edit_project(visit: Visit, number: int) -> HttpResponse:
    """The form of a project's name."""
    found = _found(visit, number)
    visit.person.must_administer()
    form = ProjectForm(visit.posted(), initial={"name": found.name})
    if form.is_valid():
        try:
            rename_project(number, form.cleaned_data["name"], visit.act)
        except ProjectNameTaken:
            form.add_error("name", TAKEN)
        else:
            return redirect("project", number)
    back = reverse("project", args=[number])
    return _form_page(visit, form, f"Rename {found.name}", "Save", back)


@require_POST
@page
def members(visit: Visit, number: int) -> HttpResponse:
    """Give a person a role in a project, or none."""
    found = _found(visit, number)
    visit.person.must_administer()
    form = MemberForm(visit.posted())
    if form.is_valid():
        person, role = form.cleaned_data["person"], form.cleaned_data["role"]
        give_role(person, number, role, visit.act)
        what = f"is {role} in" if role else "is no member any more of"
        messages.success(visit.request, f"{person.username} {what} {found.name}.")
    else:
        messages.error(visit.request, "Nothing was changed: choose a person and a role.")
    return redirect("project", number)


def _found(visit: Visit, number: int) -> Project:
    """Return a project that the asker knows of.  Raises NotFound."""
    found = projects_for(visit.person).filter(pk=number).first()
    if found is None:
        raise NotFound
    return found


def _role(visit: Visit, project: Project) -> str:
    """Return what the asker is in a project."""
    role = visit.person.roles.get(project.pk)
    return "administrator" if visit.person.administrator else str(role or "")


def _form_page(visit: Visit, form: ProjectForm, title: str, button: str, back: str) -> HttpResponse:
    context = {"form": form, "title": title, "button": button, "back": back}
    return render(visit.request, "form.html", context)
