"""
The account of a capture, as its clients' ledgers tell it: what pages, exports and scripts ask.

Reads what the lines were taken into; reads no ledger, and writes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import msgspec
from django.db.models import Q, QuerySet

from tcaccount.index import Index, Outage
from tcaccount.joining import joined
from tcaccount.parts import AccountParts, Stint, attach
from tcaccount.record import Booked, Record
from tcaccount.subject import Subject
from tcclient.ledger.bookings import Torn
from tcclient.ledger.history import JobHistory, MissedTime, Wording
from tcclient.ledger.lines import UnreadableLine
from tcserver.accounts.folding import READING, FoldState
from tcserver.accounts.models import AccountPart, LedgerRecord
from tcserver.captures.models import CaptureRecord

_TYPES: dict[str, tuple[str, Any]] = {
    "stint": ("stints", Stint),
    "gap": ("gaps", MissedTime),
    "wording": ("wordings", Wording),
    "torn": ("torn", Torn),
    "clock_step": ("clock_steps", tuple[float, float]),
    "unreadable": ("unreadable", UnreadableLine),
}
"""Where each kind of part stands in AccountParts, and its type; files are asked for apart."""
_BOOKED = msgspec.json.Decoder(Booked)
AT_ONCE = 1000


@attrs.frozen
class BookedAt:
    """A finished file, and the name of the client that has it."""

    client: str
    file: Booked


@attrs.frozen
class CaptureAccount:
    """
    The account of a capture: `subject` is what tcc-account makes its words of.

    `ledgers` are those that it comes from, with their clients and how far they are read; `broken`
    is what is not as a ledger says of itself, a sentence each.
    """

    subject: Subject
    ledgers: Sequence[LedgerRecord]
    broken: Sequence[str]

    @property
    def unread(self) -> int:
        """How many bytes are held that are not in the account yet."""
        return sum(one.held - one.seen for one in self.ledgers)

    @property
    def failures(self) -> Sequence[str]:
        """Why ledgers could not be read on, if there are any such."""
        return [one.folding.failure for one in self.ledgers if one.folding.failure]

    @property
    def unreadable(self) -> Sequence[UnreadableLine]:
        """The lines that cannot be read; at most a hundred of each ledger."""
        return self.subject.record.unreadable


def ledgers_of(capture: CaptureRecord) -> "QuerySet[LedgerRecord]":
    """Return the ledgers with lines about a capture, of clients that have or had it."""
    rows = LedgerRecord.objects.filter(
        jobs__job=capture.pk, client__in=capture.assignments.values("client")
    )
    return rows.select_related("client", "folding").order_by("folding__begun", "pk")


def account_of(capture: CaptureRecord) -> CaptureAccount | None:
    """Return the account of a capture; None where no client has sent a ledger with it."""
    ledgers = list(ledgers_of(capture))
    if not ledgers:
        return None
    chains = _chains(ledgers)
    record = joined(_records(chains), capture.pk)
    is_open = any(history.is_running for history in record.jobs.values())
    subject = Subject(capture.name, is_open, record, _index(ledgers))
    every = {one.pk: one for chain in chains for one in chain}
    parts = AccountPart.objects.filter(ledger__in=every, kind="broken").order_by("pk")
    broken = [msgspec.json.decode(text, type=str) for text in parts.values_list("data", flat=True)]
    return CaptureAccount(subject, list(every.values()), broken)


def file_count(capture: CaptureRecord) -> int:
    """Return how many finished files a capture has."""
    return _files(capture).count()


def some_files(capture: CaptureRecord, begin: int, end: int) -> list[BookedAt]:
    """Return the `begin`-th up to the `end`-th of a capture's files, in the order of ledgers."""
    rows = _files(capture).order_by("ledger", "pk").values_list("ledger__client__name", "data")
    return [BookedAt(client, _BOOKED.decode(text)) for client, text in rows[begin:end]]


def all_files(capture: CaptureRecord) -> Iterator[tuple[str, list[Booked]]]:
    """
    Yield all finished files of a capture, some at a time, with the name of their client: a query
    for each ledger, and one for each AT_ONCE files.
    """
    files = _files(capture).order_by("pk").values_list("pk", "data")
    for ledger in list(ledgers_of(capture)):
        some = list(files.filter(ledger=ledger)[:AT_ONCE])
        while some:
            yield ledger.client.name, [_BOOKED.decode(text) for _, text in some]
            last, full = some[-1][0], len(some) == AT_ONCE
            some = list(files.filter(ledger=ledger, pk__gt=last)[:AT_ONCE]) if full else []


def history_of(capture: CaptureRecord) -> JobHistory | None:
    """Return when a capture was wanted, its gaps and its keywords; None where nobody has told."""
    account = account_of(capture)
    return None if account is None else account.subject.record.jobs.get(capture.pk)


def _files(capture: CaptureRecord) -> "QuerySet[AccountPart]":
    """Return the files of a capture, and those that are ascribed to nobody, such as older ones."""
    ledgers = list(ledgers_of(capture).values_list("pk", flat=True))
    its = Q(job=capture.pk) | Q(job=None)
    return AccountPart.objects.filter(its, ledger__in=ledgers, kind="file")


def state_at(ledger: LedgerRecord) -> FoldState:
    """Return what is not settled yet of a ledger and of those that it goes on from."""
    stored = ledger.folding.state
    return FoldState.empty() if stored is None else FoldState.decode(bytes(stored))


def put(parts: AccountParts, kind: str, text: str) -> None:
    """Add a part as it is stored."""
    name, type_ = _TYPES[kind]
    getattr(parts, name).append(msgspec.json.decode(text, type=type_))


def last_of(ledgers: Sequence[LedgerRecord]) -> Iterator[LedgerRecord]:
    """Yield the ledgers that no other of them goes on from."""
    gone_on = {one.folding.base_id for one in ledgers}
    yield from (one for one in ledgers if one.pk not in gone_on)


def _chains(ledgers: Sequence[LedgerRecord]) -> list[list[LedgerRecord]]:
    """Return the last ones of these ledgers, each behind those that it goes on from."""
    known = {one.pk: one for one in ledgers}
    fresh = list(ledgers)
    # Those with no line about the capture itself, which are few, are not there yet.
    while bases := {one.folding.base_id for one in fresh if one.folding.base_id} - known.keys():
        fresh = list(LedgerRecord.objects.select_related("client", "folding").filter(pk__in=bases))
        known |= {one.pk: one for one in fresh}
    chains = [[one] for one in last_of(ledgers)]
    for chain in chains:
        while (base := chain[0].folding.base_id) is not None:
            chain.insert(0, known[base])
    return chains


def _records(chains: Sequence[Sequence[LedgerRecord]]) -> list[Record]:
    """Return what the ledgers of each chain say together, without their files."""
    every = [one.pk for chain in chains for one in chain]
    # SQLite, asked for an order, may rather read all parts that there are in it.
    rows = AccountPart.objects.filter(ledger__in=every, kind__in=_TYPES)
    settled: dict[int, list[tuple[int, str, str]]] = {pk: [] for pk in every}
    columns = ("pk", "ledger", "position", "kind", "data")
    for _, ledger, position, kind, text in sorted(rows.values_list(*columns)):
        settled[ledger].append((position, kind, text))
    return [_record(chain, settled) for chain in chains]


def _record(
    chain: Sequence[LedgerRecord], settled: Mapping[int, Sequence[tuple[int, str, str]]]
) -> Record:
    """Return what the ledgers of a chain say, whose parts are settled, by ledger."""
    state = state_at(chain[-1])
    record = state.record
    record.reports = READING.reports(state.told)
    parts = AccountParts()
    for ledger in chain:
        for position, kind, text in settled[ledger.pk]:
            # More may have come meanwhile.
            if ledger is not chain[-1] or position <= state.position:
                put(parts, kind, text)
    attach(record, parts)
    return record


def _index(ledgers: Sequence[LedgerRecord]) -> Index:
    """Return when the server failed, as the clients of these ledgers saw it."""
    clients = {one.client_id for one in ledgers}
    rows = AccountPart.objects.filter(ledger__client__in=clients, kind="outage").order_by("pk")
    texts = rows.values_list("data", flat=True)
    return Index(True, [msgspec.json.decode(text, type=Outage) for text in texts])
