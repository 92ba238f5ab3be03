"""The page of one capture: how it does, its rate over time, keywords, files, and what was done."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from django.contrib import messages
from django.db.models import Max, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from tcaccount.subject import coverage
from tcclient.ledger.history import Wording
from tcserver.accounts.account import (
    CaptureAccount,
    account_of,
    file_count,
    ledgers_of,
    state_at,
)
from tcserver.accounts.coverage import YOUNG
from tcserver.accounts.series import month_of, posts_of_month
from tcserver.alerts.listing import alerts_of
from tcserver.captures.glimpses import look
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.note import MOST, note_on
from tcserver.captures.status import Wanted
from tcserver.fleet.models import Token
from tcserver.history.models import Concerned, HistoryEntry
from tcserver.website.alerts import shown_alert
from tcserver.website.asking import Visit, page
from tcserver.website.chart import ALL, SPANS, chart_of
from tcserver.website.events import Event, events_of
from tcserver.website.live import render_live
from tcserver.website.progress import WISHES, ProgressStep, steps_of
from tcserver.website.showing import Shown, rate_of, state_of
from tcserver.website.spend import spend_words

ENTRIES, EVENTS = 50, 10
"""Keyword texts, and things that happened, which a page shows."""


@require_GET
@page
def capture(visit: Visit, number: int) -> HttpResponse:
    """One capture: what was asked, what its client says, and its history."""
    row = visit.capture(number)
    span = _span(visit, row)
    account, is_first = account_of(row), _is_first_month(row, visit.now)
    # Of what began in this month it is the total, which is newer.
    month = (row.complete_total or 0) if is_first else posts_of_month(number, visit.now)
    contact = Token.objects.filter(client=row.client_id).aggregate(last=Max("contact_at"))["last"]
    history, state = _history(number), state_of(row, contact, visit.now)
    context = {
        "capture": row,
        "watch": f"capture:{number}",
        "now": visit.now,
        "state": state,
        "month": month,
        "all_of_month": is_first,
        "spend": spend_words(row.client, month, row.complete_total or 0),
        "given": partial(_given, history, visit.now),
        "rate": rate_of(row),
        "contact_at": contact,
        "coverage": _coverage(account),
        "alerts": [shown_alert(alert) for alert in alerts_of(row)],
        "steps": partial(_steps, row, history, state),
        "span": span,
        "spans": (*SPANS, ALL),
        "chart": partial(chart_of, row, account, span, visit.now),
        "brings_posts": _brings_posts(row),
        "posts": partial(look, row),
        "keywords": partial(_keywords, history, account),
        "places": partial(_places, row),
        "file_count": partial(file_count, row),
        "events": partial(_events, row, account),
        "may_change": visit.person.changes(row.project_id),
        "running": row.wanted == Wanted.RUN,
    }
    return render_live(
        visit.request,
        "capture.html",
        context,
        "capture",
        posts="5s",
        **dict.fromkeys(("chart", "spend", "keywords", "events"), "60s"),
    )


@require_POST
@page
def note_on_capture(visit: Visit, number: int) -> HttpResponse:
    """Add a note to the history of a capture."""
    visit.changeable(number)
    text = visit.request.POST.get("note", "").strip()
    if not text or len(text) > MOST:
        messages.error(visit.request, f"A note has 1 to {MOST:,} characters.")
    else:
        note_on(number, text, visit.act)
        messages.success(visit.request, "The note is in the history.")
    return redirect("capture", number)


def _history(number: int) -> "QuerySet[HistoryEntry]":
    entries = HistoryEntry.objects.filter(subject=Concerned.CAPTURE, subject_number=number)
    return entries.order_by("-pk")


def _given(history: "QuerySet[HistoryEntry]", now: datetime) -> bool:
    """Return whether another client has had it this month."""
    given = history.filter(act="assigned", at__gte=month_of(now))[:ENTRIES]
    return any(entry.before.get("client") for entry in given)


def _events(row: CaptureRecord, account: CaptureAccount | None) -> list[Event]:
    return events_of(row, account, EVENTS)[0]


def _span(visit: Visit, row: CaptureRecord) -> str:
    """Return the time that the chart is of: of a day a capture's first hour would be a dot."""
    asked = visit.request.GET.get("span", "")
    is_young = visit.now - (row.first_started_at or row.created_at) < timedelta(hours=1)
    return asked if asked in (*SPANS, ALL) else "hour" if is_young else "day"


def _is_first_month(row: CaptureRecord, now: datetime) -> bool:
    """Return whether a capture has begun in this month."""
    began = row.first_started_at
    return began is not None and began >= month_of(now)


def _brings_posts(row: CaptureRecord) -> bool:
    """Return whether there is somebody to ask for its newest posts."""
    return row.wanted == Wanted.RUN and row.client_id is not None and row.archived_at is None


def _steps(
    row: CaptureRecord, history: "QuerySet[HistoryEntry]", state: Shown
) -> list[ProgressStep]:
    wish, answer = _newest(history, *WISHES), _newest(history, "answered")
    return list(steps_of(row, wish, answer, posts_come=state.word == "running"))


def _newest(history: "QuerySet[HistoryEntry]", *acts: str) -> HistoryEntry | None:
    return history.filter(act__in=acts).first()


def _coverage(account: CaptureAccount | None) -> tuple[str, str]:
    """Return how much is covered, and what more there is to say."""
    if account is None:
        return "not known", "no ledger of it has come"
    shares = account.subject.shares()
    if not shares:
        return "nothing yet", "it was never wanted"
    if sum(one.wanted for one in shares) < YOUNG:
        return "not known yet", "its ledger tells of less than a minute"
    share, _, more = coverage(shares).partition(" of the wanted time: ")
    return share, more


def _keywords(
    history: "QuerySet[HistoryEntry]", account: CaptureAccount | None
) -> Iterator[dict[str, object]]:
    """Yield the newest keywords that people asked for, with when posts came for them."""
    wordings = [] if account is None else list(account.subject.record.wordings())
    for entry in history.filter(act__in=("created", "re-keyed"))[:ENTRIES]:
        found = _asked(wordings, entry)
        yield {
            "entry": entry,
            "begin": found and found.begin,
            "end": found and found.end,
            "refused": found.refused if found else (),
        }


def _asked(wordings: list[Wording], entry: HistoryEntry) -> Wording | None:
    """Return the newest wording of these keywords that a client was asked for until then."""
    text = entry.after.get("keywords")
    same = [one for one in wordings if (one.text or None) == text]
    later = [one for one in same if one.begin is None or one.begin >= entry.at.timestamp() - 60]
    return next(iter(later), None)


def _places(row: CaptureRecord) -> list[dict[str, object]]:
    """Return where the files are: each client that has any, and its folder."""
    found = {
        (ledger.client_id, folder or row.name): {
            "client": ledger.client,
            "folder": folder or row.name,
        }
        for ledger in ledgers_of(row)
        if (folder := state_at(ledger).folder) is not None
    }
    return list(found.values())
