"""Tables of people, projects and keys.  Rows are made and changed by services alone."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class Role(models.TextChoices):
    """What a member of a project may do there; an administrator may do everything everywhere."""

    VIEWER = "viewer"
    RESEARCHER = "researcher"


class User(AbstractUser):
    """
    A person who can log in.

    An administrator is a superuser, as Django calls it.  People are never deleted, since history
    names them: they become inactive.
    """

    projects = models.ManyToManyField(
        "people.Project", through="people.Membership", related_name="people"
    )


class Project(models.Model):
    """What captures belong to, and people are members of.  The first start makes one."""

    name = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's role in a project."""

    person = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["person", "project"], name="one_role_in_a_project"),
        )

    def __str__(self) -> str:
        return f"{self.person} is {self.role} of {self.project}"


class ApiKey(models.Model):
    """
    A key of a person's scripts, which may do what the person may, or only read of it.

    `digest` is the key's keyed hash; `prefix` is its beginning, by which people know it.
    """

    person = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=64)
    prefix = models.CharField(max_length=8)
    digest = models.CharField(max_length=64, unique=True)
    may_write = models.BooleanField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class LoginTries(models.Model):
    """How often somebody tried to log in since a moment; `key` is a hash of who and where."""

    key = models.CharField(max_length=64, primary_key=True)
    since = models.DateTimeField(db_index=True)
    tries = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.tries} since {self.since:%H:%M}"


class LinkRequest(models.Model):
    """That a link to choose a password is to be mailed to a person; tried next when it is due."""

    person = models.OneToOneField(User, models.CASCADE, related_name="+")
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"asked at {self.asked_at:%Y-%m-%d %H:%M:%S}"


class SiteIdentity(models.Model):
    """This server's own id, one row, by which a client knows it under any address."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)

    def __str__(self) -> str:
        return str(self.uuid)
