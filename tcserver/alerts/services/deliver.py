"""
To deliver notifications: each is claimed by one of those who do so, which notes the attempt before
it sends.  Who is killed meanwhile leaves an attempt without a result; it is tried once more.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from tcserver.alerts.deliveries import MOST_FAILURES, DeliveryFailed, OutgoingMessage, pause
from tcserver.alerts.models import (
    AlertChannel,
    AttemptResult,
    DeliveryAttempt,
    DeliveryState,
    Notification,
)
from tcserver.alerts.services.channels import switch_off
from tcserver.history.acts import by_server

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=2)
"""How long nobody else tries: longer than any attempt lasts."""
AT_ONCE = 20
AT_LENGTH = timedelta(seconds=5)
"""After so long no other one is begun: what is to be seen meanwhile does not wait for slow ones."""
INTERRUPTED = "whoever sent it was cut off: it may have arrived"


def deliver_some(send: Callable[[OutgoingMessage], None], wall: Callable[[], datetime]) -> int:
    """Try to deliver some of the notifications that are due.  Return how many those were."""
    begun = wall()
    for done in range(AT_ONCE):
        now = wall()
        claimed = claim(now) if now - begun < AT_LENGTH else None
        if claimed is None:
            return done
        try:
            send(_outgoing(claimed))
        except DeliveryFailed as e:
            note_failure(claimed, e, wall())
        except Exception as e:
            log.exception("A notification cannot be sent.")
            note_failure(claimed, DeliveryFailed(f"a fault of the server: {e!r}"), wall())
        else:
            note_success(claimed)
    return AT_ONCE


def claim(now: datetime) -> Notification | None:
    """
    Return a notification that is due, whose next attempt is noted, and which nobody else has; those
    of channels that fail come last.
    """
    with transaction.atomic():
        waiting = Notification.objects.select_for_update(skip_locked=True, of=("self",))
        waiting = waiting.filter(state=DeliveryState.WAITING, due_at__lte=now)
        found = waiting.select_related("channel").order_by("channel__failures", "due_at").first()
        if found is None:
            return None
        open_tries = found.tries.filter(result=AttemptResult.BEGUN)
        if open_tries.update(result=AttemptResult.INTERRUPTED, error=INTERRUPTED):
            log.warning("A notification is sent again: %s.", INTERRUPTED)
        found.attempts += 1
        Notification.objects.filter(pk=found.pk).update(attempts=found.attempts, due_at=now + CLAIM)
        DeliveryAttempt.objects.create(notification=found, number=found.attempts, at=now)
    return found


def note_success(claimed: Notification) -> None:
    """Note that it was taken."""
    with transaction.atomic():
        _end_try(claimed, AttemptResult.SENT, "")
        mine = Notification.objects.filter(pk=claimed.pk)
        mine.update(state=DeliveryState.SENT, due_at=None)
        AlertChannel.objects.filter(pk=claimed.channel_id).update(failures=0)


def note_failure(claimed: Notification, failure: DeliveryFailed, now: datetime) -> None:
    """Note why not, when it is tried again, and that the channel is off if that is too often."""
    with transaction.atomic():
        _end_try(claimed, AttemptResult.FAILED, str(failure)[:300])
        after = pause(claimed.attempts)
        mine = Notification.objects.filter(pk=claimed.pk, attempts=claimed.attempts)
        if after is None:
            mine.update(state=DeliveryState.FAILED, due_at=None)
        else:
            mine.update(due_at=now + after)
        channel = AlertChannel.objects.filter(pk=claimed.channel_id)
        channel.update(failures=F("failures") + 1)
        if failure.is_gone or channel.filter(failures__gte=MOST_FAILURES).exists():
            switch_off(claimed.channel_id, str(failure), by_server(now))


def _end_try(claimed: Notification, result: AttemptResult, error: str) -> None:
    tries = claimed.tries.filter(number=claimed.attempts)
    tries.update(result=result, error=error)


def _outgoing(claimed: Notification) -> OutgoingMessage:
    channel = claimed.channel
    return OutgoingMessage(
        claimed.number,
        channel.kind,
        channel.target,
        channel.salt,
        claimed.title,
        claimed.text,
        claimed.data,
    )
