"""That a client was here, and what it said of its machine."""

from collections import OrderedDict
from datetime import datetime, timedelta

from django.db.models import F

from tcclient.control.reports import Host
from tcserver.fleet.models import Client
from tcserver.sql import write, written

OFTEN = timedelta(seconds=5)
"""A contact is noted as often as this, not with each of a client's requests."""
MOST = 10_000
"""Tokens of which it is remembered when they came last; the one that was known first is let go."""

_CONTACT = """
UPDATE fleet_token SET contact_at = %s, contact_address = %s, contact_agent = %s WHERE digest = %s
"""
_COMES = f"""
{_CONTACT} AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %s) AND EXISTS (
    SELECT 1 FROM fleet_client c WHERE c.id = fleet_token.client_id AND c.retired_at IS NULL
) RETURNING id, client_id, (SELECT c.name FROM fleet_client c WHERE c.id = fleet_token.client_id)
"""


def is_due(last: datetime | None, now: datetime) -> bool:
    """Return whether a contact is to be noted again that was noted at `last`."""
    return last is None or now - last >= OFTEN or now < last


class Contacts:
    """
    Notes that clients were here, in their tokens' rows.

    It remembers when this process has noted which, and so knows mostly before it looks that one is
    due: then one statement finds the token and notes the contact.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._noted: OrderedDict[str, datetime] = OrderedDict()

    def come(
        self, hashed: str, now: datetime, address: str, agent: str, *, writes: bool
    ) -> tuple[int, int, str] | None:
        """
        Note the contact of a valid token by its hash, if it is due as far as this process knows.
        Return its number with its client's number and name.  None says that the token has to be
        looked at: it is not due, or not valid.

        Of a token that is new here nothing is known, and a look at it needs no lock: it is noted at
        once only where the request `writes` anyway.
        """
        last = self._noted.get(hashed)
        if not writes if last is None else not is_due(last, now):
            return None
        values = [now, address or None, agent[:200], hashed, now]
        found: tuple[int, int, str] | None = next(iter(written(_COMES, values)), None)
        if found is None:
            self._noted.pop(hashed, None)
            return None
        self._remember(hashed, now)
        return found

    def note(
        self, hashed: str, last: datetime | None, now: datetime, address: str, agent: str
    ) -> None:
        """Note that of a token which was looked at, and whose last noted contact was at `last`."""
        if is_due(last, now):
            write(_CONTACT, [now, address or None, agent[:200], hashed])
            self._remember(hashed, now)

    def _remember(self, hashed: str, now: datetime) -> None:
        self._noted[hashed] = now
        if len(self._noted) > self._most:
            self._noted.popitem(last=False)


CONTACTS = Contacts()


def host(client: int, told: Host, now: datetime) -> None:
    """Write what a client says of its machine, and whether another one does with the same token."""
    row = Client.objects.filter(pk=client)
    if told.instance:
        row.filter(former_instance=told.instance).update(twice_at=now)
        row.exclude(instance=told.instance).update(former_instance=F("instance"))
    row.update(
        host_reported_at=now,
        version=told.version,
        host=told.host,
        installation=told.installation,
        instance=told.instance,
        disk_free=told.disk_free,
        disk_size=told.disk_size,
        disk_daily=told.disk_daily,
        memory=told.memory,
        cpu=told.cpu,
        clock_offset=told.clock_offset,
        budget=told.budget,
        post_price=told.post_price,
    )
