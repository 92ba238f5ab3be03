"""
Tables of captures, and of which client had them when.  Rows are made and changed by services alone.
"""

from datetime import datetime

from django.db import models

from tcclient.control.jobs import Status
from tcserver.captures.status import Wanted, status_of
from tcserver.fleet.models import Client
from tcserver.people.models import Project, User


class CaptureRecord(models.Model):
    """
    A capture: what clients call a job.

    The first part is what people want: each change of it raises `revision`, but for plans, which
    become wishes at their time.  The second is what
    clients report.  A service writes columns of one of the parts, and only those that it is about.

    Rates are stored in thousandths of posts a second.  `counted` adds up what updates have
    reported, whosever they are: after a capture was given to another client, only it is complete.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="captures")
    name = models.CharField(max_length=64, unique=True)
    description = models.TextField(null=True)
    keywords = models.TextField(null=True)
    client = models.ForeignKey(Client, models.PROTECT, null=True, related_name="captures")
    wanted = models.CharField(max_length=8, choices=Wanted, default=Wanted.NOTHING)
    revision = models.BigIntegerField(default=1)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    changed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    archived_at = models.DateTimeField(null=True)
    archived_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    planned_start = models.DateTimeField(null=True)
    planned_stop = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    deleted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    answer = models.SmallIntegerField(null=True)
    task = models.BigIntegerField(null=True)
    total = models.BigIntegerField(null=True)
    counted = models.BigIntegerField(default=0)
    rate = models.BigIntegerField(null=True)
    first_started_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    ping_at = models.DateTimeField(null=True)
    update_at = models.DateTimeField(null=True)
    update_total = models.BigIntegerField(null=True)
    update_rate = models.BigIntegerField(null=True)
    state_at = models.DateTimeField(null=True)
    applied_revision = models.BigIntegerField(null=True)
    condition = models.CharField(max_length=32, blank=True)
    reason = models.CharField(max_length=1000, blank=True)
    condition_since = models.DateTimeField(null=True)
    runs_since = models.DateTimeField(null=True)
    lag = models.FloatField(null=True)
    next_attempt_at = models.DateTimeField(null=True)

    modified_at = models.DateTimeField()
    """Of both parts: the last write of anybody."""

    class Meta:
        indexes = (
            models.Index(
                fields=["client", "id"],
                condition=models.Q(archived_at=None, deleted_at=None),
                name="captures_of_client",
            ),
            models.Index(
                fields=["planned_start"],
                condition=models.Q(planned_start__isnull=False),
                name="captures_to_be_started",
            ),
            models.Index(
                fields=["planned_stop"],
                condition=models.Q(planned_stop__isnull=False),
                name="captures_to_be_stopped",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def status(self) -> Status:
        """How far it has come."""
        return status_of(self.wanted, self.answer)

    @property
    def running_since(self) -> datetime | None:
        """Since when it runs without a break, as far as its client tells how captures are."""
        return max(filter(None, (self.runs_since, self.started_at)), default=None)

    @property
    def put_away(self) -> bool:
        """Whether it is archived or deleted."""
        return self.archived_at is not None or self.deleted_at is not None

    @property
    def complete_total(self) -> int | None:
        """How many posts it has, of all clients that had it; None where none has reported."""
        return shown_total(self.total, self.counted)


class Assignment(models.Model):
    """That a client has had a capture: it may send its updates and ledgers for ever."""

    capture = models.ForeignKey(CaptureRecord, models.CASCADE, related_name="assignments")
    client = models.ForeignKey(Client, models.PROTECT, related_name="assignments")
    since = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["capture", "client"], name="assigned_once_noted"),
        )

    def __str__(self) -> str:
        return f"{self.client} has had {self.capture}"


def shown_total(total: int | None, counted: int) -> int | None:
    """Return the posts of a capture by its client's total and the counts of all updates."""
    if total is None:
        return counted or None
    return max(total, counted)
