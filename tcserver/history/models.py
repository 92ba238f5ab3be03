"""The table of what was done.  Rows are added, never changed and never deleted."""

from collections.abc import Mapping
from typing import Any, NoReturn

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from tcserver.history.acts import Act


class Forever(Exception):
    """Raised where history would be changed or deleted."""


class HistoryQuerySet(models.QuerySet["HistoryEntry"]):
    """Entries that can be read."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Raise Forever."""
        raise Forever("history is never changed")

    def delete(self) -> NoReturn:
        """Raise Forever."""
        raise Forever("history is never deleted")


class Concerned(models.TextChoices):
    """What something is done to."""

    CAPTURE = "capture"
    CLIENT = "client"
    PROJECT = "project"
    PERSON = "person"
    KEY = "key"
    CHANNEL = "channel"


class HistoryEntry(models.Model):
    """
    One deed: who did it, when, to what, and what was there before and after.

    It holds numbers and names, no references: it outlives whatever it is about.  `before` and
    `after` have the members that the act has changed.
    """

    at = models.DateTimeField()
    act = models.CharField(max_length=40)
    subject = models.CharField(max_length=10, choices=Concerned)
    subject_number = models.BigIntegerField()
    subject_name = models.CharField(max_length=150)
    project_number = models.BigIntegerField(null=True)
    party = models.CharField(max_length=10)
    party_number = models.BigIntegerField(null=True)
    party_name = models.CharField(max_length=150)
    before = models.JSONField(encoder=DjangoJSONEncoder)
    after = models.JSONField(encoder=DjangoJSONEncoder)
    note = models.TextField(blank=True)
    request = models.CharField(max_length=40, blank=True)

    objects = HistoryQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["subject", "subject_number", "id"], name="history_of_subject"),
            models.Index(fields=["subject", "subject_number", "act", "id"], name="acts_of_subject"),
            models.Index(fields=["project_number", "id"], name="history_of_project"),
            models.Index(fields=["project_number", "subject", "id"], name="subjects_of_project"),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.party_name} {self.act} {self.subject_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row.  Raises Forever if it is there already."""
        if self.pk is not None:
            raise Forever("history is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise Forever."""
        raise Forever("history is never deleted")


def note(
    act: Act,
    name: str,
    subject: tuple[Concerned, int, str],
    project: int | None,
    changes: Mapping[str, tuple[Any, Any]],
) -> None:
    """
    Add what `act` has done, called `name`, to a subject: its kind, number and name.

    `changes` maps each changed member to what it was and is.
    """
    HistoryEntry.objects.create(
        at=act.at,
        act=name,
        subject=subject[0],
        subject_number=subject[1],
        subject_name=subject[2],
        project_number=project,
        party=act.party,
        party_number=act.number,
        party_name=act.name,
        before={member: old for member, (old, _) in changes.items()},
        after={member: new for member, (_, new) in changes.items()},
        note=act.note,
        request=act.request,
    )
