"""Clients as they are listed: with their last contact, the newest of all their tokens'."""

from django.db.models import Max, QuerySet

from tcserver.fleet.models import Client
from tcserver.people.askers import Person


def clients_for(person: Person) -> "QuerySet[Client]":
    """Return the clients that serve a person's projects, with `contact_at`, by name."""
    clients = Client.objects.filter(retired_at=None)
    if not person.administrator:
        clients = clients.filter(projects__in=person.roles).distinct()
    return clients.annotate(contact_at=Max("tokens__contact_at")).order_by("name")
