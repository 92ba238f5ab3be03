"""
To look at everything, and note what changed: of several who do so at once, one notes each change.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from tcclient.health.health import Level
from tcserver.alerts.conditions import AlertKind, AlertVerdict, of_capture, of_client
from tcserver.alerts.facts import captures_now, clients_now, wanted_captures
from tcserver.alerts.models import Alert, AlertChannel, Flip
from tcserver.alerts.services.tell import tell
from tcserver.alerts.turning import LATELY, AlertStanding, NewsKind, is_due, is_steady, news
from tcserver.alerts.wording import AlertChange, told

GONE = "It is not wanted any more."
RETIRED = "It is retired."
_ON = ~Q(state=Level.OK) | ~Q(seen=Level.OK) | Q(flapping=True)


def verdicts(longest_gap: timedelta, now: datetime) -> list[AlertVerdict]:
    """Return how all clients, and all captures that are wanted, are."""
    rows = wanted_captures()
    clients = clients_now(rows)
    found = [one for client in clients.values() for one in of_client(client, now)]
    for capture in captures_now(rows, clients, now):
        found += of_capture(capture, longest_gap, now)
    return found


def look(found: Iterable[AlertVerdict], now: datetime, site: str = "") -> int:
    """
    Bring the alerts up to what was found, also the reason of one that stays as it is.  Return how
    many were told.
    """
    seen = {one.key: one for one in found}
    bad = [one for one in seen.values() if one.state not in (None, Level.OK)]
    alerts = {one.key: one for one in Alert.objects.filter(_ON)}
    missing = {one.key: one for one in bad if one.key not in alerts}
    if missing:
        known = Alert.objects.filter(key__in=missing)
        Alert.objects.bulk_create(
            (_begun(one, now) for one in missing.values()), ignore_conflicts=True
        )
        alerts |= {one.key: one for one in known}
    told = sum(_bring(alert, seen.get(key), now, site) for key, alert in alerts.items())
    reasons = [(one, _reason(one, seen.get(one.key))) for one in alerts.values()]
    _give_reasons([one for one in reasons if one[1] not in ("", one[0].reason)])
    return told


def _reason(alert: Alert, verdict: AlertVerdict | None) -> str:
    """Return why an alert is still on, "" where it is not, or nothing newer is known of it."""
    if alert.state == Level.OK:
        return ""
    if verdict is None:
        return _gone(alert)
    return verdict.reason if verdict.state in (None, alert.state) else ""


def _give_reasons(reasons: list[tuple[Alert, str]]) -> None:
    """Have alerts say why they are on; nobody is told, as their state is the same."""
    if not reasons:
        return
    # At once, as each commit waits for the disk; in one order, as others may look, too.
    with transaction.atomic():
        for alert, reason in sorted(reasons, key=lambda one: one[0].pk):
            same = Alert.objects.filter(pk=alert.pk, state=alert.state, since=alert.since)
            same.update(reason=reason)


def _gone(alert: Alert) -> str:
    return RETIRED if alert.client_id else GONE


def _begun(verdict: AlertVerdict, now: datetime) -> Alert:
    subject = {f"{verdict.subject}_id": verdict.number}
    told = {"kind": verdict.kind, "name": verdict.name, "since": now}
    seen = {"seen": verdict.state, "seen_since": now}
    return Alert(key=verdict.key, **subject, **told, **seen)


def _bring(alert: Alert, verdict: AlertVerdict | None, now: datetime, site: str) -> bool:
    """Bring an alert up to what was found of its subject.  Return whether that was told."""
    state, reason = (Level.OK, _gone(alert)) if verdict is None else (verdict.state, verdict.reason)
    if state is not None and state != alert.seen:
        same = Alert.objects.filter(pk=alert.pk, seen=alert.seen, seen_since__lte=now)
        if not same.update(seen=state, seen_since=now):
            return False
        alert.seen, alert.seen_since = state, now
    standing = AlertStanding(
        Level(alert.state), alert.since, Level(alert.seen), alert.seen_since, alert.flapping
    )
    if state is not None and is_due(AlertKind(alert.kind), standing, now):
        return _flip(alert, reason, now, site)
    return is_steady(standing, now) and _calm(alert, now, site)


def _flip(alert: Alert, reason: str, now: datetime, site: str) -> bool:
    """Note a change and have it told, unless another one has done so."""
    with transaction.atomic():
        mine = Alert.objects.filter(
            pk=alert.pk, state=alert.state, seen=alert.seen, since=alert.since
        )
        if not mine.update(state=alert.seen, since=now, reason=reason):
            return False
        flip = Flip.objects.create(
            alert=alert, at=now, old=alert.state, new=alert.seen, reason=reason
        )
        lately = Flip.objects.filter(alert=alert, at__gt=now - LATELY).count()
        what = news(alert.flapping, lately)
        if what == NewsKind.FLAPPING:
            Alert.objects.filter(pk=alert.pk).update(flapping=True)
        if what is not None:
            _tell(alert, flip, what, site)
    return what is not None


def _calm(alert: Alert, now: datetime, site: str) -> bool:
    """Note that an alert is steady again, and have that told."""
    with transaction.atomic():
        flapping = Alert.objects.filter(pk=alert.pk, flapping=True, since=alert.since)
        if not flapping.update(flapping=False):
            return False
        flip = Flip.objects.create(
            alert=alert, at=now, old=alert.state, new=alert.state, reason=alert.reason
        )
        _tell(alert, flip, NewsKind.STEADY, site)
    return True


def _tell(alert: Alert, flip: Flip, what: NewsKind, site: str) -> None:
    subject, number = (
        ("client", alert.client_id) if alert.client_id else ("capture", alert.capture_id)
    )
    change = AlertChange(
        alert.kind, subject, number or 0, alert.name, flip.old, flip.new, alert.seen_since, flip.at,
        flip.reason,
    )  # fmt: skip
    tell(AlertChannel.objects.filter(at_once=True), told(change, what, site), flip.at, flip)
