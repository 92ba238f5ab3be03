"""To append to a client's ledger, at an offset: nothing is held twice, nothing is skipped."""

import hashlib

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Sum

from tcclient.control.reports import Held
from tcserver.accounts.models import LedgerPiece, LedgerRecord
from tcserver.captures.models import Assignment
from tcserver.history.acts import Act
from tcserver.people.askers import NotFound

TAIL, MOST_PIECES = 4096, 64
"""So many of the last bytes tell a ledger from another one, in so many pieces at most."""
MOST_LEDGERS, LOOK_EACH = 10_000, 1 << 20
"""
So many ledgers a client may have.  How many bytes all of them have is looked at where there is a
new one, and each time that one has grown by as much.
"""


class FullOfLedgers(Exception):
    """Raised where a client has as many ledgers, or bytes of them, as are taken of one."""


def append(
    client: int, name: str, capture: int | None, offset: int, data: bytes, act: Act
) -> tuple[int, bool]:
    """
    Append to the client's ledger of this name what of `data`, which begins at `offset`, is not
    held yet.  Return how many bytes are held then, and whether `offset` was within those held
    before: if it was not, nothing is stored.  Raises NotFound if the client never had the capture,
    and FullOfLedgers.
    """
    with transaction.atomic():
        ledger = _ledger(client, name, capture, act)
        held = ledger.held
        if offset > held:
            return held, False
        fresh = data[held - offset :]
        if fresh:
            if held // LOOK_EACH != (held + len(fresh)) // LOOK_EACH:
                _must_have_room(client)
            LedgerRecord.objects.filter(pk=ledger.pk).update(
                held=F("held") + len(fresh), appended_at=act.at
            )
            LedgerPiece.objects.create(ledger=ledger, offset=held, data=fresh)
        return held + len(fresh), True


def held(client: int, name: str) -> Held:
    """Return what is held of a client's ledger: nothing of one that is not known."""
    ledger = LedgerRecord.objects.filter(client=client, name=name).first()
    if ledger is None:
        return Held(ledger=name, held=0)
    # Not above what is held, as more may be added meanwhile.
    pieces = LedgerPiece.objects.filter(ledger=ledger, offset__lt=ledger.held).order_by("-offset")
    tail = b""
    for data in pieces.values_list("data", flat=True)[:MOST_PIECES]:
        tail = bytes(data) + tail
        if len(tail) >= TAIL:
            break
    digest = hashlib.sha256(tail).hexdigest() if tail else ""
    return Held(ledger=name, held=ledger.held, tail=len(tail), sha256=digest)


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
    _must_have_room(client)
    try:
        with transaction.atomic():
            return LedgerRecord.objects.create(
                client_id=client, name=name, capture_id=capture, created_at=act.at
            )
    except IntegrityError:
        return rows.get()


def _must_have_room(client: int) -> None:
    rows = LedgerRecord.objects.filter(client=client)
    has = rows.aggregate(ledgers=Count("pk"), bytes=Sum("held"))
    if has["ledgers"] >= MOST_LEDGERS or (has["bytes"] or 0) >= settings.MOST_OF_LEDGERS:
        raise FullOfLedgers(
            f"{has['ledgers']} ledgers with {has['bytes']} bytes are held of this client, and no "
            f"more than {MOST_LEDGERS} or {settings.MOST_OF_LEDGERS} are: see LEDGERS_GIB."
        )
