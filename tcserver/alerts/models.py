"""Tables of alerts, of what changed, and of who was told.  Rows are written by services alone."""

import uuid

from django.db import models
from django.db.models import Q

from tcclient.health.health import Level
from tcserver.captures.models import CaptureRecord
from tcserver.fleet.models import Client
from tcserver.people.models import User


class ChannelKind(models.TextChoices):
    """How a message travels."""

    EMAIL = "email"
    WEBHOOK = "webhook"


class DigestRhythm(models.TextChoices):
    """How often a summary is sent."""

    NONE = "none"
    DAILY = "daily"
    WEEKLY = "weekly"


class DeliveryState(models.TextChoices):
    """How far it has come."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class AttemptResult(models.TextChoices):
    """How it ended."""

    BEGUN = "begun"
    SENT = "sent"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Alert(models.Model):
    """
    One condition of a client or capture, by its `key`.

    `state` is what people were told, since when and why; `seen` is how it was at the last look at
    which that changed, and how it will be told if it stays.  The `name` is that of the subject.
    """

    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=12)
    client = models.ForeignKey(Client, models.CASCADE, null=True, related_name="alerts")
    capture = models.ForeignKey(CaptureRecord, models.CASCADE, null=True, related_name="alerts")
    name = models.CharField(max_length=64)
    state = models.CharField(max_length=8, default=Level.OK)
    since = models.DateTimeField()
    reason = models.TextField(blank=True)
    seen = models.CharField(max_length=8)
    seen_since = models.DateTimeField()
    flapping = models.BooleanField(default=False)

    class Meta:
        indexes = (
            models.Index(
                fields=["since"],
                condition=~Q(state="ok") | ~Q(seen="ok") | Q(flapping=True),
                name="alerts_that_are_on",
            ),
            models.Index(fields=["since"], name="alerts_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.key} {self.state}"


class Flip(models.Model):
    """One change of an alert that is told."""

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="flips", db_index=False)
    at = models.DateTimeField(db_index=True)
    old = models.CharField(max_length=8)
    new = models.CharField(max_length=8)
    reason = models.TextField(blank=True)

    class Meta:
        indexes = (models.Index(fields=["alert", "at"], name="flips_of_alert"),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.old} to {self.new}"


class AlertChannel(models.Model):
    """
    Where messages go: an e-mail address, or the URL of a webhook.

    The key that a webhook is signed with follows from `salt` and the installation's secrets, and is
    stored nowhere.  `failures` are the attempts in a row that failed; at some number it is switched
    off, and `off_reason` says so.
    """

    kind = models.CharField(max_length=8, choices=ChannelKind)
    target = models.CharField(max_length=500)
    salt = models.CharField(max_length=32)
    at_once = models.BooleanField(default=True)
    digest = models.CharField(max_length=8, choices=DigestRhythm, default=DigestRhythm.NONE)
    digest_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    failures = models.IntegerField(default=0)
    off_since = models.DateTimeField(null=True)
    off_reason = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Notification(models.Model):
    """
    One message to one channel.  `number` is the same at each attempt, so that whoever gets one
    twice can tell; `due_at` is when it is tried next, None once it is `sent` or given up.
    """

    number = models.UUIDField(default=uuid.uuid4, unique=True)
    channel = models.ForeignKey(
        AlertChannel, models.CASCADE, related_name="notifications", db_index=False
    )
    flip = models.ForeignKey(Flip, models.CASCADE, null=True, related_name="notifications")
    title = models.CharField(max_length=200)
    text = models.TextField()
    data = models.JSONField()
    created_at = models.DateTimeField(db_index=True)
    state = models.CharField(max_length=8, choices=DeliveryState, default=DeliveryState.WAITING)
    due_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)

    class Meta:
        indexes = (
            models.Index(
                fields=["due_at"], condition=Q(state="waiting"), name="notifications_waiting"
            ),
            models.Index(fields=["channel", "created_at"], name="notifications_of_channel"),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.state}"


class DeliveryAttempt(models.Model):
    """
    One try to deliver a notification, noted before it begins: one without a `result` was cut off,
    as by a kill, and may have arrived.
    """

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="tries")
    number = models.IntegerField()
    at = models.DateTimeField()
    result = models.CharField(max_length=12, choices=AttemptResult, default=AttemptResult.BEGUN)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["notification", "number"], name="attempt_noted_once"),
        )

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.result}"
