"""
How captures are doing, as pages show it: to the first reader in HTML, and then as it changes.

Knows rows; knows no socket.
"""

from collections.abc import Collection
from datetime import datetime

import msgspec
from django.db.models import Max, Q

from tcserver.captures.models import CaptureRecord
from tcserver.fleet.models import Token
from tcserver.people.askers import NotFound
from tcserver.website.showing import rate_of, state_of

LIST = "captures"


class CaptureState(msgspec.Struct, frozen=True, kw_only=True):
    """
    What pages show of a capture: style, word, reason, since, posts, rate and contact are drawn as
    they are; where any other member is different, a page asks for its part.  Times are in UTC.
    """

    number: int
    project: int
    name: str
    style: str
    word: str
    reason: str
    since: datetime | None
    posts: int | None
    rate: str
    client: str
    contact: datetime | None
    started: datetime | None
    stopped: datetime | None
    planned_start: datetime | None
    planned_stop: datetime | None
    revision: int
    applied: bool
    archived: bool


def watched(text: str) -> int | None:
    """Return the number in capture:N, None for the list.  Raises NotFound for anything else."""
    if text == LIST:
        return None
    kind, _, number = text.partition(":")
    if kind != "capture" or not number.isascii() or not number.isdecimal() or len(number) > 18:
        raise NotFound
    return int(number)


def capture_states(
    numbers: Collection[int], now: datetime, *, listed: bool = False
) -> list[CaptureState]:
    """Return the states of these captures, and of all that are `listed`, whoever may see them."""
    wanted = Q(pk__in=numbers)
    rows = CaptureRecord.objects.filter(wanted | Q(archived_at=None) if listed else wanted)
    found = list(rows.filter(deleted_at=None).select_related("client").order_by("name"))
    clients = {row.client_id for row in found}
    contacts = Token.objects.filter(client__in=clients, contact_at__isnull=False)
    newest = dict(contacts.values_list("client").annotate(newest=Max("contact_at")))
    return [_state(row, newest.get(row.client_id), now) for row in found]


def _state(row: CaptureRecord, contact: datetime | None, now: datetime) -> CaptureState:
    shown = state_of(row, contact, now)
    return CaptureState(
        number=row.pk,
        project=row.project_id,
        name=row.name,
        style=shown.style,
        word=shown.word,
        reason=shown.reason,
        since=shown.since,
        posts=row.complete_total,
        rate=rate_of(row),
        client="" if row.client is None else row.client.name,
        contact=contact,
        started=row.started_at,
        stopped=row.stopped_at,
        planned_start=row.planned_start,
        planned_stop=row.planned_stop,
        revision=row.revision,
        applied=row.applied_revision is not None and row.applied_revision >= row.revision,
        archived=row.archived_at is not None,
    )
