"""To give a client a token, and to revoke one."""

from datetime import datetime

from django.db import transaction

from tcserver.fleet.models import Client, Token
from tcserver.fleet.services.sessions import end_sessions
from tcserver.hints import hint, of_client
from tcserver.history.acts import Act, Party
from tcserver.history.models import Concerned, note
from tcserver.people.askers import NotFound
from tcserver.people.tokens import PREFIX, digest, new_token


def issue(client_id: int, act: Act, expires: datetime | None = None, token: str = "") -> str:
    """
    Return a new token of a client's, which is kept nowhere, or have `token` be one.  Raises
    NotFound, also for a client that is retired.
    """
    token = token or new_token()
    with transaction.atomic():
        client = Client.objects.filter(pk=client_id, retired_at=None).first()
        if client is None:
            raise NotFound
        Token.objects.create(
            client=client,
            prefix=token[:PREFIX],
            digest=digest(token),
            created_at=act.at,
            created_by_id=act.number if act.party == Party.PERSON else None,
            expires_at=expires,
        )
        _note(act, "token issued", client, token[:PREFIX])
    return token


def revoke(token_id: int, act: Act) -> None:
    """Have a token open nothing any more, and end what it has opened.  Raises NotFound."""
    with transaction.atomic():
        row = Token.objects.filter(pk=token_id)
        token = row.select_for_update().first()
        if token is None:
            raise NotFound
        if token.revoked_at is None:
            row.update(revoked_at=act.at)
            end_sessions(row, act.at)
            _note(act, "token revoked", token.client, token.prefix)
            hint(of_client(token.client_id))


def _note(act: Act, name: str, client: Client, prefix: str) -> None:
    subject = (Concerned.CLIENT, client.pk, client.name)
    note(act, name, subject, None, {"token": (None, f"{prefix}…")})
