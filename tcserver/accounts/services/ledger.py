"""To append to a client's ledger, at an offset: nothing is held twice, nothing is skipped."""

from django.db import IntegrityError, transaction
from django.db.models import F

from tcserver.accounts.models import LedgerPiece, LedgerRecord
from tcserver.captures.models import Assignment
from tcserver.history.acts import Act
from tcserver.people.askers import NotFound


def append(
    client: int, name: str, capture: int | None, offset: int, data: bytes, act: Act
) -> tuple[int, bool]:
    """
    Append to the client's ledger of this name what of `data`, which begins at `offset`, is not
    held yet.  Return how many bytes are held then, and whether `offset` was within those held
    before: if it was not, nothing is stored.  Raises NotFound if the client never had the capture.
    """
    with transaction.atomic():
        ledger = _ledger(client, name, capture, act)
        held = ledger.held
        if offset > held:
            return held, False
        fresh = data[held - offset :]
        if fresh:
            LedgerRecord.objects.filter(pk=ledger.pk).update(
                held=F("held") + len(fresh), appended_at=act.at
            )
            LedgerPiece.objects.create(ledger=ledger, offset=held, data=fresh)
        return held + len(fresh), True


def held(client: int, name: str) -> int:
    """Return how many bytes of a ledger are held; 0 of one that is not known."""
    row = LedgerRecord.objects.filter(client=client, name=name).values_list("held").first()
    return 0 if row is None else row[0]


def _ledger(client: int, name: str, capture: int | None, act: Act) -> LedgerRecord:
    """Return the ledger under lock, made where it is new.  Raises NotFound."""
    rows = LedgerRecord.objects.select_for_update().filter(client=client, name=name)
    found = rows.first()
    if found is not None:
        return found
    if capture is not None:
        had = Assignment.objects.filter(capture=capture, client=client)
        if not had.exists():
            raise NotFound
    try:
        with transaction.atomic():
            return LedgerRecord.objects.create(
                client_id=client, name=name, capture_id=capture, created_at=act.at
            )
    except IntegrityError:
        return rows.get()
