"""To make a client, to say which projects it serves, to retire it."""

from collections.abc import Collection

from django.db import IntegrityError, transaction

from tcserver.fleet.models import Client, Token
from tcserver.fleet.services.sessions import end_sessions
from tcserver.hints import CAPTURES, hint, of_client
from tcserver.history.acts import Act
from tcserver.history.models import Concerned, note
from tcserver.people.askers import NotFound


class ClientNameTaken(Exception):
    """Raised where another client has the name."""


def create_client(
    name: str, projects: Collection[int], act: Act, number: int | None = None
) -> Client:
    """
    Make a client that serves these projects, with a free number if one is given.  Raises
    ClientNameTaken.
    """
    try:
        with transaction.atomic():
            client = Client.objects.create(pk=number, name=name, created_at=act.at)
            client.projects.set(projects)
            changes = {"name": (None, name), "projects": (None, sorted(projects))}
            note(act, "created", _subject(client), None, changes)
            return client
    except IntegrityError:
        raise ClientNameTaken from None


def serve(client_id: int, projects: Collection[int], act: Act) -> None:
    """Have a client serve these projects and no others.  Raises NotFound."""
    with transaction.atomic():
        client = _locked(client_id)
        before = sorted(client.projects.values_list("pk", flat=True))
        if before != sorted(projects):
            client.projects.set(projects)
            changes = {"projects": (before, sorted(projects))}
            note(act, "serves", _subject(client), None, changes)


def retire(client_id: int, act: Act) -> None:
    """
    Have a client come no more: its tokens are revoked.  Its captures, their updates and their
    history stay.  Raises NotFound.
    """
    with transaction.atomic():
        client = _locked(client_id)
        if client.retired_at is None:
            Client.objects.filter(pk=client_id).update(retired_at=act.at)
            tokens = Token.objects.filter(client=client)
            tokens.filter(revoked_at=None).update(revoked_at=act.at)
            end_sessions(tokens, act.at)
            note(act, "retired", _subject(client), None, {"retired": (False, True)})
            hint(of_client(client_id), CAPTURES)


def _locked(client_id: int) -> Client:
    client = Client.objects.select_for_update().filter(pk=client_id).first()
    if client is None:
        raise NotFound
    return client


def _subject(client: Client) -> tuple[Concerned, int, str]:
    return Concerned.CLIENT, client.pk, client.name
