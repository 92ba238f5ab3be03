"""To have a message delivered: one row for each channel that is to have it."""

from datetime import datetime

from django.db.models import QuerySet

from tcserver.alerts.models import AlertChannel, Flip, Notification
from tcserver.alerts.wording import Told


def tell(
    channels: "QuerySet[AlertChannel]", message: Told, now: datetime, flip: Flip | None = None
) -> None:
    """Add a notification for each of these channels that is not switched off."""
    Notification.objects.bulk_create(
        Notification(
            channel=channel,
            flip=flip,
            title=message.title,
            text=message.text,
            data={"type": message.kind, "timestamp": now.isoformat(), "data": message.data},
            created_at=now,
            due_at=now,
        )
        for channel in channels.filter(off_since=None)
    )
