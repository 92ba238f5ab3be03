"""That a client was here, and what it said of its machine."""

from datetime import datetime, timedelta

from tcclient.control.reports import Host
from tcserver.fleet.models import Client
from tcserver.sql import write

OFTEN = timedelta(seconds=5)
"""A contact is noted as often as this, not with each of a client's requests."""


_CONTACT = (
    "UPDATE fleet_token SET contact_at = %s, contact_address = %s, contact_agent = %s WHERE id = %s"
)


def note_contact(
    token: int, last: datetime | None, now: datetime, address: str, agent: str
) -> None:
    """Note a request that came with a token whose last noted contact was at `last`."""
    if last is None or now - last >= OFTEN or now < last:
        write(_CONTACT, [now, address or None, agent[:200], token])


def host(client: int, told: Host, now: datetime) -> None:
    """Write what a client says of its machine."""
    Client.objects.filter(pk=client).update(
        host_reported_at=now,
        version=told.version,
        host=told.host,
        installation=told.installation,
        instance=told.instance,
        disk_free=told.disk_free,
        disk_size=told.disk_size,
        memory=told.memory,
        cpu=told.cpu,
        clock_offset=told.clock_offset,
        budget=told.budget,
    )
