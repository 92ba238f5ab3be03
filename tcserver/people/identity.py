"""This server's own id, which does not change while it runs."""

from functools import cache

from tcserver.people.models import SiteIdentity


@cache
def server_id() -> str:
    """Return the id.  It is read from the database once in a process."""
    return str(SiteIdentity.objects.get().uuid)
