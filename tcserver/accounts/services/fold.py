"""
To take new lines of ledgers into the account, a bounded number of bytes at a time.

Whoever goes on from a state that another one has gone on from is refused: each line counts once.
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import msgspec
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F

from tcaccount.parts import AccountParts
from tcclient.runtime.backwards import MOST_BYTES
from tcserver.accounts.folding import FOLD_VERSION, Folding, FoldState, begin_of, broken
from tcserver.accounts.ledgerbytes import ledger_bytes
from tcserver.accounts.models import AccountPart, LedgerFolding, LedgerJob, LedgerRecord

log = logging.getLogger(__name__)

STEP = 1 << 18
"""Bytes that are taken at once: about a thousand lines."""
AT_ONCE = 100


class Superseded(Exception):
    """Raised where somebody else has gone on meanwhile."""


def fold_some() -> int:
    """Take a step with each ledger that has new lines.  Return how many bytes were taken."""
    rows = LedgerRecord.objects.filter(held__gt=F("seen")).order_by("appended_at")
    return sum(map(fold, rows[:AT_ONCE]))


def fold(ledger: LedgerRecord) -> int:
    """Take a step with a ledger.  Return how many bytes were taken."""
    try:
        return FoldStep.of(ledger).take()
    except (Superseded, IntegrityError):
        return 0  # whoever was quicker has taken them
    except DatabaseError:
        raise
    except Exception as e:
        _cannot(ledger, repr(e)[:200])
        return 0


def _cannot(ledger: LedgerRecord, why: str) -> None:
    """Leave a ledger alone until it has more lines, and say why, once."""
    LedgerRecord.objects.filter(pk=ledger.pk).update(seen=ledger.held)
    if LedgerFolding.objects.filter(pk=ledger.pk).exclude(failure=why).update(failure=why):
        log.error("The ledger %s cannot be taken into the account.", ledger.name, exc_info=True)


def begin_anew(ledgers: Iterable[int]) -> None:
    """Forget the accounts of ledgers, so that they are made from the bytes again."""
    for ledger in ledgers:
        with transaction.atomic():
            folding = LedgerFolding.objects.filter(ledger=ledger)
            folding.update(
                turn=F("turn") + 1, version=FOLD_VERSION, state=None, base=None, follows=""
            )
            AccountPart.objects.filter(ledger=ledger).delete()
            LedgerJob.objects.filter(ledger=ledger).delete()
            LedgerRecord.objects.filter(pk=ledger).update(seen=0)


def begin_outdated_anew() -> None:
    """Do so with all ledgers whose accounts an earlier release has made."""
    rows = LedgerFolding.objects.filter(version__lt=FOLD_VERSION)
    begin_anew(list(rows.values_list("pk", flat=True)))


@attrs.define
class FoldStep:
    """The next bytes of a ledger, and the state that they follow."""

    ledger: LedgerRecord
    row: LedgerFolding
    state: FoldState | None

    @classmethod
    def of(cls, ledger: LedgerRecord) -> "FoldStep":
        made = {"version": FOLD_VERSION}
        row, _ = LedgerFolding.objects.get_or_create(ledger=ledger, defaults=made)
        state = None if row.state is None else FoldState.decode(bytes(row.state))
        return cls(ledger, row, state)

    def take(self) -> int:
        """Take them.  Return how many bytes that were; raises Superseded."""
        if self.row.version > FOLD_VERSION:
            return 0  # a newer release uses the same database, and does this
        begin = 0 if self.state is None else self.state.position
        data = self._read(begin)
        if self.state is None:
            self.state = self._first_state(data)
            if self.state is None:
                return 0
        folding = Folding(self.state)
        parts = folding.take(data)
        rows = [*_rows(parts), *self._others(folding)]
        with transaction.atomic():
            self._write(begin + len(data), rows)
            jobs = [LedgerJob(ledger=self.ledger, job=job) for job in folding.jobs]
            LedgerJob.objects.bulk_create(jobs, ignore_conflicts=True)
        if self.ledger.seen == self.ledger.held:
            begin_anew(self._followers())
        return self.state.position - begin

    def _read(self, begin: int) -> bytes:
        """Return the next bytes: enough for a line, where there is one."""
        size, held = STEP, self.ledger.held
        while True:
            data = b"".join(ledger_bytes(self.ledger.pk, begin, min(held, begin + size)))
            if b"\n" in data or size >= MOST_BYTES or begin + size >= held:
                return data
            size *= 4

    def _first_state(self, data: bytes) -> FoldState | None:
        """
        Return the state that the ledger begins with; None if that is not known yet, as the ledger
        that it follows is not complete.
        """
        self.row.begun, self.row.follows = begin_of(data)
        before = LedgerFolding.objects.select_related("ledger").filter(
            ledger__client=self.ledger.client_id,
            ledger__name=self.row.follows,
            begun__lt=self.row.begun,
            state__isnull=False,
            ledger__continued_by=None,
        )
        base = before.first()
        if base is None:
            return FoldState.empty()
        if base.ledger.held > base.ledger.seen:
            return None
        self.row.base = base.ledger
        return FoldState.decode(bytes(base.state or b"")).followed()

    def _write(self, read: int, rows: list[AccountPart]) -> None:
        """Write the state and what is settled.  Raises Superseded."""
        state, row = self.state, self.row
        assert state is not None
        mine = LedgerFolding.objects.filter(pk=self.ledger.pk, turn=row.turn)
        if not mine.update(
            turn=row.turn + 1,
            version=FOLD_VERSION,
            state=state.encode(),
            failure="",
            begun=row.begun,
            follows=row.follows,
            base=row.base,
        ):
            raise Superseded
        # More lines may have come while these were read, or not all of them were.
        self.ledger.seen = self.ledger.held if read == self.ledger.held else state.position
        LedgerRecord.objects.filter(pk=self.ledger.pk).update(seen=self.ledger.seen)
        for one in rows:
            one.ledger, one.position = self.ledger, state.position
        AccountPart.objects.bulk_create(rows, batch_size=AT_ONCE)

    def _others(self, folding: Folding) -> Iterator[AccountPart]:
        """Yield what else is settled: failures of the server, and links that do not hold."""
        for outage in folding.outages:
            yield _part("outage", None, outage.end, outage)
        for link in folding.links:
            said = broken(link, ledger_bytes(self.ledger.pk, link.begin, link.end))
            if said is not None:
                yield _part("broken", None, None, said)

    def _followers(self) -> list[int]:
        """Return the ledgers whose accounts were begun without the end of this one."""
        rows = LedgerFolding.objects.filter(
            ledger__client=self.ledger.client_id,
            follows=self.ledger.name,
            begun__gt=self.row.begun or 0.0,
            state__isnull=False,
        )
        return list(rows.exclude(follows="").values_list("pk", flat=True))


def _rows(parts: AccountParts) -> Iterator[AccountPart]:
    """Yield the rows of what is settled, each kind in its order."""
    for stint in parts.stints:
        yield _part("stint", stint.job, stint.end, stint)
    for gap in parts.gaps:
        yield _part("gap", gap.job, gap.end, gap)
    for wording in parts.wordings:
        yield _part("wording", wording.job, wording.end, wording)
    for file in parts.files:
        yield _part("file", file.job, None, file)
    for torn in parts.torn:
        yield _part("torn", None, None, torn)
    for step in parts.clock_steps:
        yield _part("clock_step", None, step[0], step)
    for line in parts.unreadable:
        yield _part("unreadable", None, None, line)


def _part(kind: str, job: int | None, end: float | None, data: Any) -> AccountPart:
    """Return a row without its place in a ledger."""
    text = msgspec.json.encode(data).decode()
    return AccountPart(kind=kind, job=job, end=end, data=text)
