"""Tables of updates and ledgers.  Rows are added by services alone."""

from django.db import models

from tcserver.captures.models import CaptureRecord
from tcserver.fleet.models import Client


class UpdateRecord(models.Model):
    """
    One report of a client on a capture's progress, as it came; the rate is in thousandths.  Once it
    is `counted`, its posts are in those of its minute, hour and day.
    """

    capture = models.ForeignKey(CaptureRecord, models.CASCADE, related_name="updates")
    client = models.ForeignKey(Client, models.PROTECT, null=True)
    at = models.DateTimeField()
    count = models.BigIntegerField(null=True)
    total = models.BigIntegerField(null=True)
    rate = models.BigIntegerField(null=True)
    counted = models.BooleanField(db_default=False)

    class Meta:
        indexes = (
            models.Index(fields=["capture", "at"], name="updates_of_capture"),
            models.Index(
                fields=["id"], condition=models.Q(counted=False), name="updates_to_be_counted"
            ),
        )

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.count}"


class LedgerRecord(models.Model):
    """
    A ledger of a client, of one capture or, without one, of none.

    `name` is the random id in its first line; `held` is how many bytes of it are stored, from its
    very first on, over all its rotations, and `seen` how many were held when its lines were taken
    into the account last: it is all of them but for a last line without its end.  The first
    `sealed` bytes are in pieces of a good size.
    """

    client = models.ForeignKey(Client, models.PROTECT, related_name="ledgers")
    name = models.CharField(max_length=64)
    capture = models.ForeignKey(CaptureRecord, models.PROTECT, null=True, related_name="ledgers")
    held = models.BigIntegerField(default=0)
    seen = models.BigIntegerField(default=0)
    sealed = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    appended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["client", "name"], name="one_ledger_of_a_name"),
        )
        indexes = (
            models.Index(
                fields=["id"],
                condition=models.Q(held__gt=models.F("seen")),
                name="ledgers_with_new_lines",
            ),
        )

    def __str__(self) -> str:
        return self.name


class LedgerPiece(models.Model):
    """Bytes of a ledger; its pieces are the ledger, without gap or overlap."""

    ledger = models.ForeignKey(LedgerRecord, models.CASCADE, related_name="pieces")
    offset = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["ledger", "offset"], name="one_piece_at_an_offset"),
        )

    def __str__(self) -> str:
        return f"{self.offset} of {self.ledger}"


class LedgerFolding(models.Model):
    """
    How far the lines of a ledger are taken into the account.

    `failure` says why they cannot be, where that is so.

    `state` is what they say together, less the parts that no later line changes, by `version` of
    the interpreter.  `turn` rises with each write, so that of two who go on from the same state one
    is refused.  The ledger began at `begun`, in epoch seconds, and `follows` another one of its
    client, by name; its account goes on from that of `base`, once that is complete.
    """

    ledger = models.OneToOneField(
        LedgerRecord, models.CASCADE, primary_key=True, related_name="folding"
    )
    version = models.IntegerField(db_index=True)
    turn = models.BigIntegerField(default=0)
    state = models.BinaryField(null=True)
    failure = models.CharField(max_length=200, blank=True)
    begun = models.FloatField(null=True)
    follows = models.CharField(max_length=64, blank=True)
    base = models.OneToOneField(
        LedgerRecord, models.SET_NULL, null=True, related_name="continued_by"
    )

    def __str__(self) -> str:
        return f"{self.ledger_id} by {self.version}"


class LedgerJob(models.Model):
    """That lines of a ledger are about a job; whether its client had that is not asked here."""

    ledger = models.ForeignKey(LedgerRecord, models.CASCADE, related_name="jobs")
    job = models.BigIntegerField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["ledger", "job"], name="job_noted_once"),)

    def __str__(self) -> str:
        return f"{self.job} in {self.ledger_id}"


class AccountPart(models.Model):
    """
    A part of an account that no later line changes: its kind, the job that it is about, if any,
    when it ends, in epoch seconds, and `data`, which is JSON.  It is not in states whose
    position in the ledger is before `position`.
    """

    ledger = models.ForeignKey(LedgerRecord, models.CASCADE, related_name="parts", db_index=False)
    position = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    job = models.BigIntegerField(null=True)
    end = models.FloatField(null=True)
    data = models.TextField()

    class Meta:
        indexes = (
            models.Index(fields=["ledger", "kind", "id"], name="parts_of_ledger"),
            models.Index(
                fields=["ledger", "end"],
                condition=models.Q(kind__in=["gap", "stint"]),
                name="times_of_ledger",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.ledger_id}"


class PostCount(models.Model):
    """
    How many posts updates have told of a capture in one step of time: `seconds` from `at` on, which
    is in epoch seconds.
    """

    pk = models.CompositePrimaryKey("capture_id", "seconds", "at")
    capture = models.ForeignKey(
        CaptureRecord, models.CASCADE, related_name="counts", db_index=False
    )
    seconds = models.IntegerField()
    at = models.BigIntegerField()
    posts = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.posts} in {self.seconds} s from {self.at}"


class HousekeepingLease(models.Model):
    """Which process does the housekeeping, and until when nobody else does; one row."""

    holder = models.CharField(max_length=64)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.holder} until {self.until:%H:%M:%S}"
