"""Clients as they are listed: with their last contact, the newest of all their tokens'."""

from django.db.models import Count, Max, Q, QuerySet

from tcserver.fleet.models import Client
from tcserver.people.askers import Person


def clients_for(person: Person) -> "QuerySet[Client]":
    """
    Return the clients that serve a person's projects, by name, with `contact_at` and with `kept`,
    how many captures that the person sees are theirs.  Those that were retired are not among them.
    """
    return all_clients_for(person).filter(retired_at=None)


def all_clients_for(person: Person) -> "QuerySet[Client]":
    """Return the same, and those that were retired, which captures and history still name."""
    clients = Client.objects.all()
    there = Q(captures__deleted_at=None, captures__archived_at=None)
    if not person.administrator:
        clients = clients.filter(projects__in=person.roles).distinct()
        there &= Q(captures__project__in=person.roles)
    kept = Count("captures", filter=there, distinct=True)
    return clients.annotate(contact_at=Max("tokens__contact_at"), kept=kept).order_by("name")
