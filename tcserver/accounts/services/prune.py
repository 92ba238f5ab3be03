"""To delete what is older than it is kept: updates as they came, and posts by the minute."""

from datetime import datetime, timedelta

from django.db.models import Min

from tcserver.accounts.models import PostCount, UpdateRecord
from tcserver.accounts.services.counts import MINUTE
from tcserver.captures.models import CaptureRecord

AT_ONCE = 1000
"""Rows of a capture that are deleted in one transaction."""


def prune(now: datetime, updates: int, minutes: int) -> int:
    """
    Delete a bounded number of rows of each capture that are older than so many days.  Return how
    many there were.
    """
    old, oldest = now - timedelta(days=updates), int((now - timedelta(days=minutes)).timestamp())
    captures = CaptureRecord.objects.values_list("pk", flat=True)
    return sum(_updates(one, old) + _minutes(one, oldest) for one in list(captures))


def _updates(capture: int, before: datetime) -> int:
    rows = UpdateRecord.objects.filter(capture=capture, at__lt=before, counted=True).order_by("at")
    found = list(rows.values_list("pk", flat=True)[:AT_ONCE])
    return UpdateRecord.objects.filter(pk__in=found).delete()[0] if found else 0


def _minutes(capture: int, before: int) -> int:
    rows = PostCount.objects.filter(capture=capture, seconds=MINUTE, at__lt=before)
    first = rows.aggregate(first=Min("at"))["first"]
    if first is None:
        return 0
    return rows.filter(at__lt=first + AT_ONCE * MINUTE).delete()[0]
