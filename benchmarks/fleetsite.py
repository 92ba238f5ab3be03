"""
The rows of a fleet in the database of a site, and what they add up to.

Django is set up in this process too, once the server has made its folder.
"""

from pathlib import Path

import attrs

from benchmarks.fleetload import Member
from benchmarks.measuring import cpu


@attrs.frozen
class Sums:
    """What the database has of a fleet: posts in updates and in captures, and bytes of ledgers."""

    updates: int
    captures: int
    ledgers: int


def populate(clients: int) -> list[Member]:
    """Make so many clients, each with a capture that is to run."""
    import django

    django.setup()
    from django.db import transaction
    from django.utils import timezone

    from tcserver.captures.services.create import NewCapture, create
    from tcserver.captures.status import Wanted
    from tcserver.fleet.services.clients import create_client
    from tcserver.fleet.services.tokens import issue
    from tcserver.history.acts import by_server
    from tcserver.people.models import Project

    act, project = by_server(timezone.now()), Project.objects.order_by("pk")[0].pk
    members = []
    with transaction.atomic():
        for number in range(clients):
            client = create_client(f"fleet {number}", [project], act).pk
            keywords = ", ".join(f"word{number} {n}" for n in range(20))
            new = NewCapture(project, f"fleet {number}", keywords, client=client, wanted=Wanted.RUN)
            members.append(Member(issue(client, act), create(new, act).pk))
    return members


def sums() -> Sums:
    """Add up what is stored."""
    from django.db.models import Sum

    from tcserver.accounts.models import LedgerRecord, UpdateRecord
    from tcserver.captures.models import CaptureRecord

    totals = [
        rows.objects.aggregate(all=Sum(column))["all"] or 0
        for rows, column in (
            (UpdateRecord, "count"),
            (CaptureRecord, "counted"),
            (LedgerRecord, "held"),
        )
    ]
    return Sums(*totals)


def forget_contacts() -> None:
    """Have no client been here, so that the next request of each notes its contact."""
    from tcserver.fleet.models import Token

    Token.objects.update(contact_at=None)


def database_cpu() -> float:
    """Return the seconds of CPU of PostgreSQL's processes for this database; 0 with SQLite."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        pids = [pid for (pid,) in cursor.fetchall()]
    # Those of another machine are not to be seen from here.
    return sum(cpu(pid) for pid in pids if Path(f"/proc/{pid}").exists())
