"""What is known of all clients and captures, read from their tables for the alerts."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median

import attrs
import msgspec
from django.db.models import Max

from tcclient.control.jobs import Status
from tcclient.ledger.history import MissedTime
from tcserver.accounts.models import LedgerRecord, PostCount
from tcserver.accounts.services.counts import HOUR
from tcserver.accounts.times import times_since
from tcserver.alerts.conditions import CaptureNow, ClientNow
from tcserver.captures.models import CaptureRecord
from tcserver.captures.status import Wanted
from tcserver.fleet.models import Client
from tcserver.history.models import Concerned, HistoryEntry

GAP_TOLD = timedelta(hours=1)
"""For how long a gap that is over is still looked at."""
SETTLED = timedelta(minutes=10)
"""How long after an hour the updates on it may come."""
WEEK, WEEKS, LEAST_WEEKS = 7 * 24 * HOUR, 4, 2
"""A rate is compared with that of so many weeks; with less than so many there is no usual one."""
_MISSED = msgspec.json.Decoder(MissedTime)


def clients_now(captures: Sequence[CaptureRecord]) -> dict[int, ClientNow]:
    """Return each client that is not retired, by its number."""
    waiting = Counter(capture.client_id for capture in captures)
    rows = Client.objects.filter(retired_at=None).annotate(contact_at=Max("tokens__contact_at"))
    return {
        row.pk: ClientNow(
            row.pk,
            row.name,
            row.contact_at,
            row.host_reported_at,
            row.disk_free,
            row.disk_size,
            row.clock_offset,
            row.budget,
            row.twice_at,
            waiting[row.pk],
            row.disk_daily,
        )
        for row in rows
    }


def wanted_captures() -> list[CaptureRecord]:
    """Return the captures that are to run, by name, and the client of each."""
    rows = CaptureRecord.objects.filter(wanted=Wanted.RUN, archived_at=None, deleted_at=None)
    return list(rows.select_related("client").order_by("name"))


def captures_now(
    rows: Sequence[CaptureRecord], clients: Mapping[int, ClientNow], now: datetime
) -> list[CaptureNow]:
    """Return how captures are."""
    gaps, hour = _gaps(rows, now), _last_hour(now)
    rates = _rates(rows, hour)
    return [
        CaptureNow(
            row.pk,
            row.name,
            None if row.client_id is None else clients.get(row.client_id),
            row.status == Status.STARTED,
            row.condition,
            row.reason,
            row.condition_since,
            row.state_at,
            gaps.get(row.pk),
            *rates.get(row.pk, (0, None)),
            "" if row.client is None or row.client.retired_at is None else row.client.name,
        )
        for row in rows
    ]


def _gaps(rows: Sequence[CaptureRecord], now: datetime) -> dict[int, tuple[float, str]]:
    """Return the longest gap of each capture that was over lately, as its own client noted it."""
    own, since = {row.pk: row.client_id for row in rows}, now - GAP_TOLD
    fresh = LedgerRecord.objects.filter(appended_at__gte=since)
    clients = dict(fresh.values_list("pk", "client"))
    found: dict[int, tuple[float, str]] = {}
    for _, ledger, _, kind, job, text in times_since(clients, since.timestamp()):
        if kind == "gap" and job in own and clients[ledger] == own[job]:
            gap = _MISSED.decode(text)
            found[job] = max(
                found.get(job, (0.0, "")), (gap.seconds, gap.line.detail or gap.line.cause)
            )
    return found


def _last_hour(now: datetime) -> int:
    """Return when the last hour began of which all updates have come, in epoch seconds."""
    ended = int((now - SETTLED).timestamp())
    return ended - ended % HOUR - HOUR


@attrs.frozen
class _HourlyPosts:
    """Posts by the hour that they came in."""

    hours: Mapping[int, int]

    def usual(self, hour: int, since: float) -> int | None:
        """Return what is usual in such an hour, of those weeks that are after `since`."""
        ats = [hour - week * WEEK for week in range(1, WEEKS + 1)]
        found = [self.hours[at] for at in ats if at >= since and at in self.hours]
        return round(median(found)) if len(found) >= LEAST_WEEKS else None


def _rates(rows: Sequence[CaptureRecord], hour: int) -> dict[int, tuple[int, int | None]]:
    """
    Return the posts of the last full hour, and the usual ones, of captures that ran all that hour.
    Hours with other keywords are not compared.
    """
    ran = [row.pk for row in rows if row.started_at and row.started_at.timestamp() <= hour]
    ats = [hour - week * WEEK for week in range(WEEKS + 1)]
    counts: dict[int, dict[int, int]] = defaultdict(dict)
    posts = PostCount.objects.filter(capture__in=ran, seconds=HOUR, at__in=ats)
    for capture, at, count in posts.values_list("capture", "at", "posts"):
        counts[capture][at] = count
    few = [one for one, found in counts.items() if found.get(hour, 0) < max(found.values())]
    rekeyed = HistoryEntry.objects.filter(
        subject=Concerned.CAPTURE, subject_number__in=few, act="re-keyed"
    )
    changed = dict(rekeyed.values_list("subject_number").annotate(Max("at")))
    result: dict[int, tuple[int, int | None]] = {}
    for one in few:
        since = changed[one].timestamp() if one in changed else 0.0
        usual = None if since > hour else _HourlyPosts(counts[one]).usual(hour, since)
        result[one] = counts[one].get(hour, 0), usual
    return result
