"""To make pieces of a good size of the many small ones in which ledgers come."""

from django.db import transaction
from django.db.models import F

from tcserver.accounts.ledgerbytes import BLOCK, ledger_bytes
from tcserver.accounts.models import LedgerPiece, LedgerRecord

AT_ONCE = 100


def seal_some() -> int:
    """Seal a block of each ledger that has one more.  Return how many were sealed."""
    rows = LedgerRecord.objects.filter(held__gte=F("sealed") + BLOCK).order_by("pk")
    return sum(_seal(ledger) for ledger in rows[:AT_ONCE])


def _seal(ledger: LedgerRecord) -> bool:
    """Put the pieces of a block together.  Return whether nobody else has."""
    begin, end = ledger.sealed, ledger.sealed + BLOCK
    with transaction.atomic():
        mine = LedgerRecord.objects.filter(pk=ledger.pk, sealed=begin)
        if not mine.update(sealed=end):
            return False
        pieces = LedgerPiece.objects.filter(ledger=ledger, offset__gte=begin, offset__lt=end)
        whole = b"".join(ledger_bytes(ledger.pk, begin, end))
        last = pieces.order_by("offset").last()
        assert last is not None
        rest = bytes(last.data)[end - last.offset :]
        pieces.delete()
        LedgerPiece.objects.create(ledger=ledger, offset=begin, data=whole)
        if rest:
            LedgerPiece.objects.create(ledger=ledger, offset=end, data=rest)
    return True
