"""
Reads the bytes of ledgers, as they came.

Each step is a query of its own, so that whoever reads a long one needs no thread for himself.
"""

from collections.abc import Iterator

from django.db.models import Max

from tcserver.accounts.models import LedgerPiece

BLOCK = 1 << 18
"""Bytes of a piece that is as large as pieces are to be, and that are read at once."""


def ledger_bytes(ledger: int, begin: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a ledger from `begin` up to `end`, of which no more are held."""
    pieces = LedgerPiece.objects.filter(ledger=ledger)
    while begin < end:
        # Small pieces may have become one since the last step.
        first = pieces.filter(offset__lte=begin).aggregate(first=Max("offset"))["first"]
        rows = pieces.filter(offset__gte=first or 0, offset__lt=min(end, begin + BLOCK))
        before = begin
        for offset, data in rows.order_by("offset").values_list("offset", "data"):
            piece = bytes(data)[begin - offset : end - offset]
            begin += len(piece)
            yield piece
        if begin == before:
            return
