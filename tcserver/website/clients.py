"""The pages of clients: which there are, making one, and its tokens."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tcserver.accounts.series import posts_of_clients
from tcserver.alerts.conditions import WORDS
from tcserver.alerts.listing import alerts_of_client, alerts_of_clients
from tcserver.captures.models import CaptureRecord
from tcserver.captures.status import Wanted
from tcserver.fleet.listing import all_clients_for, clients_for
from tcserver.fleet.models import Client, ClientSession, Token
from tcserver.fleet.services.clients import ClientNameTaken, create_client, retire, serve
from tcserver.fleet.services.tokens import issue, revoke
from tcserver.fleet.settingsfile import settings_file
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.people.askers import NotFound
from tcserver.people.listing import projects_for
from tcserver.people.models import Project
from tcserver.website.alerts import shown_alert
from tcserver.website.asking import Visit, page
from tcserver.website.forms import ClientForm, ServedForm
from tcserver.website.live import render_live
from tcserver.website.machines import words_of
from tcserver.website.showing import Shown, state_of
from tcserver.website.spend import price_words

ENTRIES = 50


@require_GET
@page
def clients(visit: Visit) -> HttpResponse:
    """The clients that serve the person's projects."""
    found = list(clients_for(visit.person))
    stand, wrong = _standing(visit, found), alerts_of_clients(found)
    months = posts_of_clients(_seen(visit).filter(client__in=found), visit.now)
    rows = [
        {
            "client": one,
            "words": words_of(one, _contact(one), visit.now, months.get(one.pk, 0)),
            "month": months.get(one.pk, 0),
            "standing": stand.get(one.pk, []),
            "alerts": [WORDS[alert.kind] for alert in wrong.get(one.pk, [])],
        }
        for one in found
    ]
    context = {"rows": rows, "administers": visit.person.administers, "now": visit.now}
    return render_live(visit.request, "clients.html", context, "clients")


@require_GET
@page
def client(visit: Visit, number: int) -> HttpResponse:
    """One client: its machine, its captures, its tokens; also one that was retired."""
    found = all_clients_for(visit.person).filter(pk=number).first()
    if found is None:
        raise NotFound
    contact = _contact(found)
    captures = _captures(visit).filter(client=found)
    month = posts_of_clients(_seen(visit).filter(client=found), visit.now).get(number, 0)
    price = found.post_price
    entries = HistoryEntry.objects.filter(subject=Concerned.CLIENT, subject_number=number)
    context = {
        "client": found,
        "now": visit.now,
        "words": words_of(found, contact, visit.now, month),
        "month": month,
        "price": None if price is None else price_words(price),
        "captures": [(row, state_of(row, contact, visit.now)) for row in captures],
        "projects": projects_for(visit.person).filter(clients=number),
        "tokens": found.tokens.select_related("created_by").order_by("-pk"),
        "alerts": [shown_alert(alert) for alert in alerts_of_client(found)],
        "session": ClientSession.objects.filter(client=number).first(),
        "history": entries.order_by("-pk")[:ENTRIES],
        "administers": visit.person.administers and found.retired_at is None,
    }
    return render_live(visit.request, "client.html", context, "client")


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


def _contact(client: Client) -> datetime | None:
    found: datetime | None = client.contact_at  # type: ignore[attr-defined]  # annotated
    return found


def _seen(visit: Visit) -> "QuerySet[CaptureRecord]":
    """Return the captures of the person's projects, also those that are put away."""
    rows = CaptureRecord.objects.all()
    return rows if visit.person.administrator else rows.filter(project__in=visit.person.roles)


def _captures(visit: Visit) -> "QuerySet[CaptureRecord]":
    """Return the captures that the person may see, by name, less those that are put away."""
    rows = _seen(visit).filter(archived_at=None, deleted_at=None)
    return rows.select_related("client").order_by("name")


def _standing(
    visit: Visit, clients: Sequence[Client]
) -> dict[int, list[tuple[CaptureRecord, Shown]]]:
    """Return the captures of each client that get no posts though they are wanted, and why."""
    contacts = {one.pk: _contact(one) for one in clients}
    found: dict[int, list[tuple[CaptureRecord, Shown]]] = defaultdict(list)
    for row in _captures(visit).filter(client__in=clients, wanted=Wanted.RUN):
        state = state_of(row, contacts[row.client_id or 0], visit.now)
        if state.word == "waiting":
            found[row.client_id or 0].append((row, state))
    return found


def _token_page(visit: Visit, number: int, name: str, token: str) -> HttpResponse:
    server = visit.request.build_absolute_uri("/")
    settings = settings_file(server, number, token)
    # In the page itself: the token is nowhere on this server from which it could be downloaded.
    context = {
        "number": number,
        "name": name,
        "settings": settings,
        "encoded": b64encode(settings.encode()).decode(),
    }
    return render(visit.request, "token.html", context)
