"""The pages of clients: which there are, making one, and its tokens."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tcserver.fleet.listing import clients_for
from tcserver.fleet.liveness import liveness
from tcserver.fleet.models import Token
from tcserver.fleet.services.clients import ClientNameTaken, create_client, retire, serve
from tcserver.fleet.services.tokens import issue, revoke
from tcserver.fleet.settingsfile import settings_file
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.people.askers import NotFound
from tcserver.people.listing import projects_for
from tcserver.people.models import Project
from tcserver.website.asking import Visit, page
from tcserver.website.forms import ClientForm, ServedForm
from tcserver.website.showing import style_of

ENTRIES = 50


@require_GET
@page
def clients(visit: Visit) -> HttpResponse:
    """The clients that serve the person's projects."""
    rows = []
    for client in clients_for(visit.person):
        alive = liveness(client.contact_at, visit.now)  # type: ignore[attr-defined]  # annotated
        rows.append({"client": client, "alive": alive, "style": style_of(alive)})
    context = {"rows": rows, "administers": visit.person.administers}
    return render(visit.request, "clients.html", context)


@require_GET
@page
def client(visit: Visit, number: int) -> HttpResponse:
    """One client: its machine, its captures, its tokens."""
    found = clients_for(visit.person).filter(pk=number).first()
    if found is None:
        raise NotFound
    alive = liveness(found.contact_at, visit.now)  # type: ignore[attr-defined]  # annotated
    captures = found.captures.filter(archived_at=None, deleted_at=None).order_by("name")
    if not visit.person.administrator:
        captures = captures.filter(project__in=visit.person.roles)
    entries = HistoryEntry.objects.filter(subject=Concerned.CLIENT, subject_number=number)
    context = {
        "client": found,
        "alive": alive,
        "style": style_of(alive),
        "captures": captures,
        "projects": projects_for(visit.person).filter(clients=number),
        "tokens": found.tokens.select_related("created_by").order_by("-pk"),
        "history": entries.order_by("-pk")[:ENTRIES],
        "administers": visit.person.administers,
    }
    return render(visit.request, "client.html", context)


@require_http_methods(["GET", "POST"])
@page
def new_client(visit: Visit) -> HttpResponse:
    """The form of a new client; then its token and settings, this once."""
    visit.person.must_administer()
    form = ClientForm(visit.posted(), projects=Project.objects.order_by("pk"))
    if form.is_valid():
        projects = [project.pk for project in form.cleaned_data["projects"]]
        try:
            with transaction.atomic():
                made = create_client(form.cleaned_data["name"], projects, visit.act)
                token = issue(made.pk, visit.act)
        except ClientNameTaken:
            form.add_error("name", "There is a client of this name already.")
        else:
            return _token_page(visit, made.pk, made.name, token)
    context = {
        "form": form,
        "title": "New client",
        "button": "Make it",
        "back": reverse("clients"),
    }
    return render(visit.request, "form.html", context)


@require_http_methods(["GET", "POST"])
@page
def client_projects(visit: Visit, number: int) -> HttpResponse:
    """The form of which projects a client serves."""
    visit.person.must_administer()
    found = clients_for(visit.person).filter(pk=number).first()
    if found is None:
        raise NotFound
    form = ServedForm(visit.posted(), initial={"projects": found.projects.all()})
    if form.is_valid():
        serve(number, [project.pk for project in form.cleaned_data["projects"]], visit.act)
        return redirect("client", number)
    context = {
        "form": form,
        "title": f"Projects of {found.name}",
        "button": "Save",
        "back": reverse("client", args=[number]),
    }
    return render(visit.request, "form.html", context)


@require_POST
@page
def new_token(visit: Visit, number: int) -> HttpResponse:
    """Give a client one more token, and show it this once."""
    visit.person.must_administer()
    found = clients_for(visit.person).filter(pk=number).first()
    if found is None:
        raise NotFound
    return _token_page(visit, number, found.name, issue(number, visit.act))


@require_POST
@page
def revoke_token(visit: Visit, number: int, token: int) -> HttpResponse:
    """Have a token open nothing any more."""
    visit.person.must_administer()
    if not Token.objects.filter(pk=token, client=number).exists():
        raise NotFound
    revoke(token, visit.act)
    messages.success(visit.request, "The token is revoked: whoever has it is refused from now on.")
    return redirect("client", number)


@require_POST
@page
def retire_client(visit: Visit, number: int) -> HttpResponse:
    """Have a client come no more; what it captured stays."""
    visit.person.must_administer()
    retire(number, visit.act)
    messages.success(visit.request, "The client is retired. Its captures and their history stay.")
    return redirect("clients")


def _token_page(visit: Visit, number: int, name: str, token: str) -> HttpResponse:
    server = visit.request.build_absolute_uri("/")
    context = {"number": number, "name": name, "settings": settings_file(server, number, token)}
    return render(visit.request, "token.html", context)
