"""To begin a client's real-time session, to keep it, and to end it; rows outlive processes."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from tcclient.push.messages import Hello
from tcserver.fleet.liveness import TERM
from tcserver.fleet.models import Client, ClientSession, Token
from tcserver.hints import hint, of_client


class UsedElsewhere(Exception):
    """
    Raised where another installation has the client's session; `is_news` says whether this one
    had not been refused last.
    """

    def __init__(self, is_news: bool) -> None:
        super().__init__(is_news)
        self.is_news = is_news


def begin_session(client: int, token: int, hello: Hello, now: datetime) -> str:
    """
    Return a new session of a client.  What its installation had before is over, whatever became of
    that.  Raises UsedElsewhere while the session is another installation's: that is noted.
    """
    with transaction.atomic():
        # Two that come at once wait for each other here, also at a client's first time.
        Client.objects.select_for_update().get(pk=client)
        held = ClientSession.objects.filter(client=client).first()
        strange = held is not None and held.installation != hello.installation
        if held is not None and strange and held.until > now:
            is_news = held.refused_installation != hello.installation
            ClientSession.objects.filter(client=client).update(
                refused_at=now,
                refused_installation=hello.installation,
                refused_host=hello.host,
            )
        else:
            made = secrets.token_hex(16)
            ClientSession.objects.update_or_create(
                client_id=client,
                defaults={
                    "token_id": token,
                    "session": made,
                    "installation": hello.installation,
                    "instance": hello.instance,
                    "host": hello.host,
                    "opened_at": now,
                    "until": now + TERM,
                    "refused_installation": "",
                },
            )
            hint(of_client(client))
            return made
    raise UsedElsewhere(is_news)


def keep_sessions(sessions: Sequence[tuple[str, int]], now: datetime) -> None:
    """
    Have these sessions go on for a term, unless their tokens were revoked meanwhile, and their
    clients be here, whose tokens are named.
    """
    names = [session for session, _ in sessions]
    kept = ClientSession.objects.filter(session__in=names, token__revoked_at=None)
    kept.update(until=now + TERM)
    Token.objects.filter(pk__in=[token for _, token in sessions]).update(contact_at=now)


def end_session(session: str, now: datetime) -> None:
    """End a session whose client has said goodbye: anybody may have the next one."""
    ClientSession.objects.filter(session=session).update(until=now)


def end_sessions(tokens: QuerySet[Token], now: datetime) -> None:
    """End what was begun by tokens that are revoked: their sockets are not waited for."""
    ClientSession.objects.filter(token__in=tokens).update(until=now)


def current_sessions(clients: Collection[int]) -> dict[int, str]:
    """Return the newest session of each client."""
    rows = ClientSession.objects.filter(client__in=clients)
    return dict(rows.values_list("client", "session"))


def number_of_sessions(now: datetime) -> int:
    """Return how many sessions there are on all processes together."""
    return ClientSession.objects.filter(until__gt=now).count()
