"""The pages of people: who there is, making one with a link, and what is done to one."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Case, F, OuterRef, Q, Subquery, When
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tcserver.history.acts import Act
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.people.askers import NotFound
from tcserver.people.listing import people_for, projects_for
from tcserver.people.models import Membership, Project, Role, User
from tcserver.people.services.passwords import make_link
from tcserver.people.services.people import (
    LastAdministrator,
    PersonNameTaken,
    activate,
    create_person,
    deactivate,
    give_role,
    make_administrator,
    make_no_administrator,
    set_email,
)
from tcserver.website.asking import Visit, page
from tcserver.website.forms import PersonForm
from tcserver.website.showing import Shown

ENTRIES = 50
ACTS: dict[str, tuple[Callable[[int, Act], None], str]] = {
    "activate": (activate, "can log in again"),
    "deactivate": (deactivate, "can log in no more, and keys of theirs open nothing"),
    "promote": (make_administrator, "is an administrator"),
    "demote": (make_no_administrator, "is no administrator any more"),
}
"""What the buttons of a person do, and what is said when it is done."""
LAST = "is the last administrator who can log in: make somebody else one first"


@require_GET
@page
def people(visit: Visit) -> HttpResponse:
    """The members of the person's projects; all people for an administrator."""
    known = projects_for(visit.person)
    rows = [
        {"person": person, "roles": _roles(visit, person), "state": _state(person)}
        for person in people_for(visit.person).prefetch_related("memberships__project")
    ]
    administrators = User.objects.filter(is_superuser=True, is_active=True)
    context = {
        "rows": rows,
        "known": known,
        "administers": visit.person.administers,
        "administrators": administrators.order_by("username").values_list("username", flat=True),
    }
    return render(visit.request, "people.html", context)


@require_GET
@page
def person(visit: Visit, number: int) -> HttpResponse:
    """One person: the projects that the asker knows of too; keys and history to administrators."""
    found = _found(visit, number)
    administers = visit.person.administers
    keys = found.api_keys.order_by("-pk")
    own = [key.pk for key in keys]
    entries = HistoryEntry.objects.filter(
        Q(subject=Concerned.PERSON, subject_number=number)
        | Q(subject=Concerned.KEY, subject_number__in=own)
    )
    of_key = When(subject=Concerned.KEY, then=F("subject_name"))
    in_project = Project.objects.filter(pk=OuterRef("project_number")).values("name")
    entries = entries.annotate(about=Case(of_key, default=Subquery(in_project)))
    context = {
        "person": found,
        "state": _state(found),
        "roles": _roles(visit, found),
        "keys": keys if administers else [],
        "history": entries.order_by("-pk")[:ENTRIES],
        "administers": administers,
        "now": visit.now,
    }
    return render(visit.request, "person.html", context)


@require_http_methods(["GET", "POST"])
@page
def new_person(visit: Visit) -> HttpResponse:
    """The form of a new person; then the link to choose a password by, this once."""
    visit.person.must_administer()
    form = PersonForm(visit.posted(), initial={"project": projects_for(visit.person).first()})
    if form.is_valid():
        typed, act = form.cleaned_data, visit.act
        try:
            with transaction.atomic():
                administrator = typed["administrator"]
                made = create_person(typed["name"], None, act, administrator=administrator)
                set_email(made.pk, typed["email"], act)
                made.email = typed["email"]
                if typed["project"] is not None:
                    give_role(made, typed["project"].pk, Role(typed["role"]), act)
                return _link_page(visit, made)
        except PersonNameTaken:
            form.add_error("name", "There is a person of this name already.")
    context = {
        "form": form,
        "title": "New person",
        "button": "Make, and show the link",
        "back": reverse("people"),
    }
    return render(visit.request, "form.html", context)


@require_POST
@page
def new_link(visit: Visit, number: int) -> HttpResponse:
    """Make a link by which a person chooses a password, and show it this once."""
    found = _found(visit, number)
    visit.person.must_administer()
    return _link_page(visit, found)


@require_POST
@page
def act_on_person(visit: Visit, number: int, act: str) -> HttpResponse:
    """Do what a button says."""
    found = _found(visit, number)
    visit.person.must_administer()
    service, done = ACTS[act]
    try:
        service(number, visit.act)
    except LastAdministrator:
        messages.error(visit.request, f"{found.username} {LAST}.")
    else:
        messages.success(visit.request, f"{found.username} {done}.")
    return redirect("person", number)


def _found(visit: Visit, number: int) -> User:
    """Return a person whom the asker knows of.  Raises NotFound."""
    found = people_for(visit.person).filter(pk=number).first()
    if found is None:
        raise NotFound
    return found


def _roles(visit: Visit, person: User) -> list[Membership]:
    """Return what a person is in projects that the asker knows of, by their names."""
    rows = [row for row in person.memberships.all() if visit.person.sees(row.project_id)]
    return sorted(rows, key=lambda row: row.project.name)


def _state(person: User) -> Shown:
    """Return whether a person can log in."""
    if not person.is_active:
        return Shown("away", "inactive")
    if not person.has_usable_password():
        return Shown("busy", "invited", "has yet to choose a password")
    return Shown("good", "active")


def _link_page(visit: Visit, person: User) -> HttpResponse:
    uid, token = make_link(person.pk, visit.act)
    link = visit.request.build_absolute_uri(reverse("choose_password", args=[uid, token]))
    days = settings.PASSWORD_RESET_TIMEOUT // 86400
    return render(visit.request, "link.html", {"person": person, "link": link, "days": days})
