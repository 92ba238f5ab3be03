"""What happened to a capture, in one list: what was done, gaps, alerts, keywords in force."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, TypeVar

import attrs
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tcclient.health.health import Level
from tcclient.ledger.wording import length
from tcserver.accounts.account import CaptureAccount, account_of
from tcserver.alerts.conditions import WORDS
from tcserver.alerts.listing import flips_about
from tcserver.captures.models import CaptureRecord
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.website.alerts import STYLES
from tcserver.website.asking import Visit, page
from tcserver.website.showing import Shown

ON_A_PAGE = 100
_AT_ONCE = 10
"""So many things of a kind may happen at one moment, as by one form, without being parted."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@attrs.frozen
class Event:
    """
    Something that happened at a time, or until another one: what, by whom or to what other thing,
    how an alert became, more in words, and each member that was changed, as it was and is.
    """

    at: datetime
    what: str
    who: str = ""
    until: datetime | None = None
    state: Shown | None = None
    text: str = ""
    changes: tuple[tuple[str, Any, Any], ...] = ()


Events = Iterable[Event]
One = TypeVar("One")


def acts(capture: CaptureRecord, _: CaptureAccount | None, before: datetime, most: int) -> Events:
    """Yield the newest things that were done to a capture before a time."""
    rows = HistoryEntry.objects.filter(subject=Concerned.CAPTURE, subject_number=capture.pk)
    # By number, for which there is an index; acts of one moment are numbered as they are written.
    for row in rows.filter(at__lt=before).order_by("-pk")[:most]:
        names = list(dict.fromkeys([*row.before, *row.after]))
        changed = ((name, row.before.get(name), row.after.get(name)) for name in names)
        changes = tuple(one for one in changed if one[1] or one[2])
        yield Event(row.at, row.act, row.party_name, text=row.note, changes=changes)


def gaps(_: CaptureRecord, account: CaptureAccount | None, before: datetime, most: int) -> Events:
    """Yield the newest gaps, by their beginnings."""
    found = [] if account is None else account.subject.record.gaps()
    for gap in _newest(found, lambda one: one.begin, before, most):
        line = gap.line
        text = f"{line.cause}: {line.detail}" if line.detail else line.cause
        long = f"gap of {length(gap.seconds)}" + (" so far" if gap.is_open else "")
        yield Event(_moment(gap.begin), long, until=_moment(gap.end), text=text)


def alerts(capture: CaptureRecord, _: CaptureAccount | None, before: datetime, most: int) -> Events:
    """Yield the newest changes of its alerts, and of those of the client that it has."""
    for flip in flips_about(capture, before)[:most]:
        who = flip.alert.name if flip.alert.capture_id is None else ""
        state = Shown(STYLES[flip.new], flip.new, flip.reason)
        word = "over" if flip.new == Level.OK else "alert"
        yield Event(flip.at, f"{word}: {WORDS[flip.alert.kind]}", who, state=state)


def keywords(
    _: CaptureRecord, account: CaptureAccount | None, before: datetime, most: int
) -> Events:
    """Yield the newest keywords for which posts came, from when on they did."""
    found = [] if account is None else account.subject.record.wordings()
    begun = [(one.begin, one.text) for one in found if one.begin is not None]
    for begin, text in _newest(begun, lambda one: one[0], before, most):
        yield Event(_moment(begin), "keywords in force", text=text or "none: the sample")


KINDS: Mapping[str, Callable[[CaptureRecord, CaptureAccount | None, datetime, int], Events]] = {
    "acts": acts,
    "gaps": gaps,
    "alerts": alerts,
    "keywords": keywords,
}


def events_of(
    capture: CaptureRecord,
    account: CaptureAccount | None,
    most: int,
    before: datetime = _LATEST,
    kind: str = "",
) -> tuple[list[Event], bool]:
    """
    Return the newest events before a time, of one kind or of all, and whether there are more: so
    many, and what happened at the same moment as the last of them.
    """
    kinds = [KINDS[kind]] if kind else KINDS.values()
    found = chain.from_iterable(one(capture, account, before, most + _AT_ONCE) for one in kinds)
    rows = sorted(found, key=lambda event: event.at, reverse=True)
    shown = rows[:most] + [row for row in rows[most:] if row.at == rows[most - 1].at]
    return shown, len(rows) > len(shown)


@require_GET
@page
def capture_events(visit: Visit, number: int) -> HttpResponse:
    """All that happened to a capture, the newest first."""
    capture = visit.capture(number)
    asked = visit.request.GET
    kind = asked.get("kind", "")
    kind = kind if kind in KINDS else ""
    before = _before(asked.get("before", ""))
    account = account_of(capture)
    found, more = events_of(capture, account, ON_A_PAGE, before, kind)
    context = {
        "capture": capture,
        "events": found,
        "earlier": (found[-1].at - _EPOCH) // _MOMENT if more else None,
        "is_newest": before == _LATEST,
        "kind": kind,
        "kinds": ("", *KINDS),
    }
    return render(visit.request, "events_page.html", context)


def _before(text: str) -> datetime:
    """Return the time that a link names, in microseconds since the epoch; else the latest."""
    if not (text.isascii() and text.isdigit() and len(text) <= 17):
        return _LATEST
    return _EPOCH + int(text) * _MOMENT


def _newest(
    found: Iterable[One], begin: Callable[[One], float], before: datetime, most: int
) -> list[One]:
    """Return the ones that began last before a time."""
    end = before.timestamp()
    return sorted((one for one in found if begin(one) < end), key=begin)[-most:]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
