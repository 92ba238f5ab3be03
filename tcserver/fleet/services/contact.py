"""That a client was here, and what it said of its machine."""

from datetime import datetime, timedelta

from tcclient.control.reports import Host
from tcserver.fleet.models import Client, Token

OFTEN = timedelta(seconds=5)
"""A contact is noted as often as this, not with each of a client's requests."""


def note_contact(
    token: int, last: datetime | None, now: datetime, address: str, agent: str
) -> None:
    """Note a request that came with a token whose last noted contact was at `last`."""
    if last is None or now - last >= OFTEN or now < last:
        Token.objects.filter(pk=token).update(
            contact_at=now, contact_address=address or None, contact_agent=agent[:200]
        )


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
