"""Alerts as they are listed: those of what a person may see, the worst and newest first."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet

from tcclient.health.health import Level
from tcserver.alerts.conditions import AlertKind
from tcserver.alerts.models import Alert, Flip
from tcserver.captures.models import CaptureRecord
from tcserver.fleet.models import Client
from tcserver.people.askers import Person


def alerts_on(person: Person) -> "QuerySet[Alert]":
    """Return what is wrong now with the clients and captures of a person's projects."""
    rows = Alert.objects.exclude(state=Level.OK).filter(_of(person, ""))
    return rows.order_by("-state", "-since", "-pk")


def flips_for(person: Person, since: datetime) -> "QuerySet[Flip]":
    """Return what changed with them since then, the newest first."""
    return (
        Flip.objects.filter(_of(person, "alert__"), at__gt=since)
        .select_related("alert")
        .order_by("-at", "-pk")
    )


def alerts_of(capture: CaptureRecord) -> "QuerySet[Alert]":
    """Return what is wrong now with a capture and with its client."""
    rows = Alert.objects.filter(_about(capture)).exclude(state=Level.OK)
    return rows.order_by("-state", "-since")


def flips_about(capture: CaptureRecord, before: datetime) -> "QuerySet[Flip]":
    """Return what changed before a time, since a capture was made, with it and its client."""
    its = Alert.objects.filter(_about(capture))
    rows = Flip.objects.filter(alert__in=its, at__gte=capture.created_at, at__lt=before)
    return rows.select_related("alert").order_by("-at", "-pk")


def alerts_of_client(client: Client) -> "QuerySet[Alert]":
    """Return what is wrong now with a client."""
    return Alert.objects.exclude(state=Level.OK).filter(client=client).order_by("-state", "-since")


def alerts_of_clients(clients: Sequence[Client]) -> dict[int, list[Alert]]:
    """Return what is wrong now with each client beside its silence, which everybody sees."""
    rows = Alert.objects.exclude(state=Level.OK).filter(client__in=clients)
    found: dict[int, list[Alert]] = defaultdict(list)
    for alert in rows.exclude(kind=AlertKind.CLIENT).order_by("-state", "-since"):
        found[alert.client_id or 0].append(alert)
    return found


def _about(capture: CaptureRecord) -> Q:
    return Q(capture=capture) | Q(client=capture.client_id, client__isnull=False)


def _of(person: Person, prefix: str) -> Q:
    if person.administrator:
        return Q()
    captures = CaptureRecord.objects.filter(project__in=person.roles)
    clients = Client.objects.filter(projects__in=person.roles)
    return Q(**{f"{prefix}capture__in": captures}) | Q(**{f"{prefix}client__in": clients})
