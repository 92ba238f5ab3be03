"""Tables of clients and tokens.  Rows are made and changed by services alone."""

from django.db import models

from tcserver.people.models import Project, User


class Client(models.Model):
    """
    A capture client, which serves some projects.

    Whether it lives is not stored: that follows from when its tokens were last used.  What stands
    below is as it last reported itself.  A client is retired and never deleted, since captures and
    history name it.

    Each start of a client has an `instance` of its own: one that comes again after another one came
    says that there are two, and `twice_at` is when that was last so.
    """

    name = models.CharField(max_length=64, unique=True)
    projects = models.ManyToManyField(Project, related_name="clients")
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    host_reported_at = models.DateTimeField(null=True)
    version = models.CharField(max_length=64, blank=True)
    host = models.CharField(max_length=255, blank=True)
    installation = models.CharField(max_length=64, blank=True)
    instance = models.CharField(max_length=64, blank=True)
    former_instance = models.CharField(max_length=64, blank=True, db_default="")
    twice_at = models.DateTimeField(null=True)
    disk_free = models.BigIntegerField(null=True)
    disk_size = models.BigIntegerField(null=True)
    disk_daily = models.BigIntegerField(null=True)
    memory = models.BigIntegerField(null=True)
    cpu = models.FloatField(null=True)
    clock_offset = models.FloatField(null=True)
    budget = models.JSONField(null=True)
    post_price = models.FloatField(null=True)

    def __str__(self) -> str:
        return self.name


class ClientSession(models.Model):
    """
    A client's real-time session: which installation has it, by which of its tokens, and until when
    nobody else gets it; the client has it still while it is renewed.

    `session` is made anew each time, so that a socket finds out that another one has taken it over.
    The last installation that was refused meanwhile is kept for people to see.
    """

    client = models.OneToOneField(
        Client, models.CASCADE, primary_key=True, related_name="push_session"
    )
    token = models.ForeignKey("fleet.Token", models.CASCADE, related_name="+")
    session = models.CharField(max_length=32)
    installation = models.CharField(max_length=64)
    instance = models.CharField(max_length=64, blank=True)
    host = models.CharField(max_length=255, blank=True)
    opened_at = models.DateTimeField()
    until = models.DateTimeField(db_index=True)
    refused_at = models.DateTimeField(null=True)
    refused_installation = models.CharField(max_length=64, blank=True)
    refused_host = models.CharField(max_length=255, blank=True)

    def __str__(self) -> str:
        return f"{self.installation} of {self.client} until {self.until:%H:%M:%S}"


class Token(models.Model):
    """
    What a client shows with each request; several may be valid at once.

    `digest` is the token's keyed hash, `prefix` its beginning, by which people know it.  The last
    contact is noted every few seconds, with where it came from.
    """

    client = models.ForeignKey(Client, models.PROTECT, related_name="tokens")
    prefix = models.CharField(max_length=8)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    contact_at = models.DateTimeField(null=True)
    contact_address = models.GenericIPAddressField(null=True)
    contact_agent = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}…"
