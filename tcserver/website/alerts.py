"""The page of alerts: what is wrong now, what was, and, to administrators, who is told."""

from datetime import timedelta

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from tcserver.alerts.conditions import WORDS
from tcserver.alerts.listing import alerts_on, flips_for
from tcserver.alerts.models import Alert, AlertChannel, Flip
from tcserver.alerts.services.channels import shown
from tcserver.website.asking import Visit, page
from tcserver.website.live import render_live
from tcserver.website.showing import Shown

MOST = 200
ENTRIES = 50
LATELY = timedelta(days=30)
STYLES = {"ok": "good", "degraded": "busy", "down": "bad"}


@require_GET
@page
def alerts(visit: Visit) -> HttpResponse:
    """What is wrong with the clients and captures of the person's projects."""
    context = {
        "on": [shown_alert(alert) for alert in alerts_on(visit.person)[:MOST]],
        "was": [_changed(flip) for flip in flips_for(visit.person, visit.now - LATELY)[:ENTRIES]],
        "administers": visit.person.administers,
    }
    if visit.person.administers:
        rows = AlertChannel.objects.order_by("pk")
        context["channels"] = [{"channel": row, "where": shown(row)} for row in rows]
    return render_live(visit.request, "alerts.html", context, "alerts")


def shown_alert(alert: Alert) -> dict[str, object]:
    """Return what a page says of an alert."""
    state = Shown(STYLES[alert.state], alert.state, alert.reason)
    return {"alert": alert, "what": WORDS[alert.kind], "state": state}


def _changed(flip: Flip) -> dict[str, object]:
    state = Shown(STYLES[flip.new], flip.new, flip.reason)
    return {"flip": flip, "alert": flip.alert, "what": WORDS[flip.alert.kind], "state": state}
