"""To delete what was, once it is older than it is kept."""

from datetime import datetime, timedelta

from django.db.models import Q

from tcclient.health.health import Level
from tcserver.alerts.models import Alert, Flip, Notification

AT_ONCE = 500
"""Rows of a table that are deleted in one transaction."""


def forget_some(now: datetime, days: int) -> int:
    """
    Delete a bounded number of alerts that are over, flips and notifications that are older than so
    many days.  Return how many rows there were.
    """
    old = now - timedelta(days=days)
    over = Q(since__lt=old, state=Level.OK, seen=Level.OK, flapping=False)
    rows = (
        Notification.objects.filter(created_at__lt=old).order_by("created_at"),
        Flip.objects.filter(at__lt=old).order_by("at"),
        Alert.objects.filter(over).order_by("since"),
    )
    deleted = 0
    for some in rows:
        found = list(some.values_list("pk", flat=True)[:AT_ONCE])
        deleted += some.model.objects.filter(pk__in=found).delete()[0] if found else 0
    return deleted
