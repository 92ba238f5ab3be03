"""To take over updates that another server had been sent."""

from collections.abc import Iterable, Iterator
from itertools import islice

from django.db import transaction

from tcserver.accounts.models import UpdateRecord
from tcserver.captures.models import CaptureRecord
from tcserver.hints import CAPTURES, hint

AT_ONCE = 1000
LARGEST = 2**63 - 1


def adopt_updates(updates: Iterable[UpdateRecord]) -> int:
    """
    Add updates as they came elsewhere, and bring their captures up to them: the sum of all counts,
    and what the newest one says.  Return how many there were.
    """
    counted: dict[int, int] = {}
    newest: dict[int, UpdateRecord] = {}
    number = 0
    with transaction.atomic():
        for some in _batches(updates):
            UpdateRecord.objects.bulk_create(some)
            number += len(some)
            for one in some:
                key = one.capture_id
                counted[key] = min(counted.get(key, 0) + (one.count or 0), LARGEST)
                if key not in newest or newest[key].at <= one.at:
                    newest[key] = one
        for capture in CaptureRecord.objects.only("total", "rate").in_bulk(newest).values():
            last = newest[capture.pk]
            totals = [total for total in (capture.total, last.total) if total is not None]
            CaptureRecord.objects.filter(pk=capture.pk).update(
                counted=counted[capture.pk],
                total=max(totals, default=None),
                rate=capture.rate if last.rate is None else last.rate,
                update_at=last.at,
                update_total=last.total,
                update_rate=last.rate,
            )
        hint(CAPTURES)
    return number


def _batches(updates: Iterable[UpdateRecord]) -> Iterator[list[UpdateRecord]]:
    left = iter(updates)
    while some := list(islice(left, AT_ONCE)):
        yield some
