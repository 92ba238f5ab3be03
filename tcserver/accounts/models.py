"""Tables of updates and ledgers.  Rows are added by services alone."""

from django.db import models

from tcserver.captures.models import CaptureRecord
from tcserver.fleet.models import Client


class UpdateRecord(models.Model):
    """One report of a client on a capture's progress, as it came; the rate is in thousandths."""

    capture = models.ForeignKey(CaptureRecord, models.CASCADE, related_name="updates")
    client = models.ForeignKey(Client, models.PROTECT, null=True)
    at = models.DateTimeField()
    count = models.BigIntegerField(null=True)
    total = models.BigIntegerField(null=True)
    rate = models.BigIntegerField(null=True)

    class Meta:
        indexes = (models.Index(fields=["capture", "at"], name="updates_of_capture"),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.count}"


class LedgerRecord(models.Model):
    """
    A ledger of a client, of one capture or, without one, of none.

    `name` is the random id in its first line; `held` is how many bytes of it are stored, from its
    very first on, over all its rotations.
    """

    client = models.ForeignKey(Client, models.PROTECT, related_name="ledgers")
    name = models.CharField(max_length=64)
    capture = models.ForeignKey(CaptureRecord, models.PROTECT, null=True, related_name="ledgers")
    held = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    appended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["client", "name"], name="one_ledger_of_a_name"),
        )

    def __str__(self) -> str:
        return self.name


class LedgerPiece(models.Model):
    """Bytes of a ledger as they came; its pieces are the ledger, without gap or overlap."""

    ledger = models.ForeignKey(LedgerRecord, models.CASCADE, related_name="pieces")
    offset = models.BigIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["ledger", "offset"], name="one_piece_at_an_offset"),
        )

    def __str__(self) -> str:
        return f"{self.offset} of {self.ledger}"
