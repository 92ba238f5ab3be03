"""To send the digests that are due: each once, whoever is the first to claim it."""

from datetime import datetime

from django.db import transaction

from tcclient.health.health import Level
from tcserver.alerts.digests import next_digest, span_of
from tcserver.alerts.models import Alert, AlertChannel, Flip
from tcserver.alerts.services.tell import tell
from tcserver.alerts.wording import digest

MOST = 200


def send_digests(now: datetime, site: str) -> None:
    """Have each digest that is due be sent, and say when the next one is."""
    for channel in AlertChannel.objects.filter(digest_at__lte=now, off_since=None):
        mine = AlertChannel.objects.filter(pk=channel.pk, digest_at=channel.digest_at)
        since = now - span_of(channel.digest)
        with transaction.atomic():
            if mine.update(digest_at=next_digest(channel.digest, now)):
                rows = Alert.objects.exclude(state=Level.OK).order_by("-state", "since")
                on = list(rows.values_list("name", "kind", "state", "since", "reason")[:MOST])
                flips = Flip.objects.filter(at__gt=since).count()
                to_it = AlertChannel.objects.filter(pk=channel.pk)
                tell(to_it, digest(on, flips, since, site), now)
