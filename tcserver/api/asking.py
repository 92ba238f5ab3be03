"""
Who asks, by the Authorization header: a client by its token, or a person's script by its key.

Knows the header and both tables; each client's request is also noted as its sign of life.
"""

from datetime import datetime

import attrs
from django.http import HttpRequest
from django.utils import timezone

from tcserver.addresses import neighbourhood
from tcserver.api.answers import ApiRefusal
from tcserver.api.guesses import GUESSES
from tcserver.fleet.models import Token
from tcserver.fleet.services.contact import CONTACTS
from tcserver.history.acts import Act, Party
from tcserver.middleware import ADDRESS, REQUEST
from tcserver.people.askers import Person, person_of
from tcserver.people.models import ApiKey
from tcserver.people.services.keys import note_use
from tcserver.people.tokens import digest
from tcserver.sql import PreparedQuery


@attrs.frozen
class AskingClient:
    """A client, by its number and name."""

    id: int
    name: str


@attrs.define
class Call:
    """
    A request to an endpoint, by whom and when.

    `row` is the last part of the address, as in jobs/<row>/, and `suffix` the format that is asked
    for behind a dot.
    """

    request: HttpRequest
    asker: AskingClient | Person
    now: datetime
    row: str | None
    suffix: str | None

    @property
    def client(self) -> AskingClient:
        """The client that asks.  Raises ApiRefusal 403 where it is a person."""
        if isinstance(self.asker, AskingClient):
            return self.asker
        raise ApiRefusal(403, "Only a client may do this.")

    @property
    def person(self) -> Person:
        """The person who asks.  Raises ApiRefusal 403 where it is a client."""
        if isinstance(self.asker, Person):
            return self.asker
        raise ApiRefusal(403, "You do not have permission to perform this action.")

    @property
    def act(self) -> Act:
        """The deed that is asked for, as history has it."""
        party = Party.PERSON if isinstance(self.asker, Person) else Party.CLIENT
        request = self.request.META[REQUEST]
        return Act(party, self.asker.id, self.asker.name, self.now, request)

    def number(self) -> int:
        """Return the number in the address.  Raises ApiRefusal 404 if it is none."""
        if self.row is None or not self.row.isdecimal() or not self.row.isascii():
            raise ApiRefusal(404, "Not found.")
        if len(self.row) > 18:
            raise ApiRefusal(404, "Not found.")
        return int(self.row)


def authenticate(request: HttpRequest, row: str | None, suffix: str | None) -> Call:
    """Return the call of whoever the header names.  Raises ApiRefusal 403, never 401."""
    meta, now = request.META, timezone.now()
    hashed = digest(_shown(meta.get("HTTP_AUTHORIZATION", "")))
    address = meta.get(ADDRESS, "")
    agent, writes = meta.get("HTTP_USER_AGENT", ""), request.method not in ("GET", "HEAD")
    found = _client(hashed, address, agent, now, writes=writes)
    asker = _script(hashed, address, now) if found is None else found[1]
    return Call(request, asker, now, row, suffix)


def authenticate_client(
    header: str, address: str, agent: str, now: datetime
) -> tuple[int, AskingClient]:
    """
    Return the number of the token that an Authorization header shows, and whose it is.  Raises
    ApiRefusal, also for the key of a person.
    """
    hashed = digest(_shown(header))
    found = _client(hashed, address, agent, now, writes=False)
    if found is None:
        _script(hashed, address, now)
        raise ApiRefusal(403, "Only a client may do this.")
    return found


def _client(
    hashed: str, address: str, agent: str, now: datetime, *, writes: bool
) -> tuple[int, AskingClient] | None:
    """Return a token and its client, None where it is no client's.  Raises ApiRefusal 403."""
    come = CONTACTS.come(hashed, now, address, agent, writes=writes)
    if come is not None:
        return come[0], AskingClient(*come[1:])
    found = _TOKEN.rows(hashed)
    if not found:
        return None
    token, contact_at, expires_at, revoked_at, retired_at, client, name = found[0]
    if revoked_at is not None or (expires_at is not None and expires_at <= now):
        raise ApiRefusal(403, "Invalid token.")
    if retired_at is not None:
        raise ApiRefusal(403, "User inactive or deleted.")
    CONTACTS.note(hashed, contact_at, now, address, agent)
    return token, AskingClient(client, name)


_TOKEN = PreparedQuery(
    lambda hashed: Token.objects.filter(digest=hashed).values_list(
        "pk",
        "contact_at",
        "expires_at",
        "revoked_at",
        "client__retired_at",
        "client",
        "client__name",
    ),
    "hashed",
)


def _shown(header: str) -> str:
    """Return the token in a header.  Raises ApiRefusal 403."""
    words = header.split()
    scheme = words[0].lower() if words else ""
    if scheme == "basic":
        raise ApiRefusal(403, "Invalid username/password.")
    if scheme != "token":
        raise ApiRefusal(403, "Authentication credentials were not provided.")
    if len(words) == 1:
        raise ApiRefusal(403, "Invalid token header. No credentials provided.")
    if len(words) > 2:
        raise ApiRefusal(403, "Invalid token header. Token string should not contain spaces.")
    return words[1]


def _script(hashed: str, address: str, now: datetime) -> Person:
    """Return the person whose key it is.  Raises ApiRefusal 403, and 429 where keys are guessed."""
    key = ApiKey.objects.select_related("person").filter(digest=hashed).first()
    if key is None and GUESSES.is_guess(neighbourhood(address), hashed, now):
        raise ApiRefusal(429, "Too many wrong tokens come from your address. Try again later.")
    if key is None or key.revoked_at or (key.expires_at is not None and key.expires_at <= now):
        raise ApiRefusal(403, "Invalid token.")
    if not key.person.is_active:
        raise ApiRefusal(403, "User inactive or deleted.")
    note_use(key, now)
    return person_of(key.person, may_write=key.may_write)
