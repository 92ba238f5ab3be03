"""To take the housekeeping upon oneself, while no other process does it."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from tcserver.accounts.models import HousekeepingLease

LASTS = timedelta(seconds=60)
"""How long a lease lasts that is not renewed, as by a process that was killed."""
ONLY = 1


def hold_lease(holder: str, now: datetime) -> bool:
    """Return whether `holder` has the lease, which is taken or renewed if that is due."""
    row = HousekeepingLease.objects.filter(pk=ONLY).first()
    if row is None:
        try:
            with transaction.atomic():
                HousekeepingLease.objects.create(pk=ONLY, holder=holder, until=now + LASTS)
        except IntegrityError:
            return False
        return True
    if row.until > now + LASTS / 2 or (row.until > now and row.holder != holder):
        return row.holder == holder
    free = HousekeepingLease.objects.filter(Q(until__lte=now) | Q(holder=holder), pk=ONLY)
    return free.update(holder=holder, until=now + LASTS) > 0


def end_lease(holder: str, now: datetime) -> None:
    """Let the next one take it."""
    HousekeepingLease.objects.filter(pk=ONLY, holder=holder).update(until=now)
