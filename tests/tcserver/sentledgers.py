"""Ledgers of clients for tests: sent as they come, and what their folders' accounts are."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from tcaccount.document import document
from tcaccount.folder import find
from tcaccount.index import Index
from tcaccount.reading import Reading
from tcaccount.record import record
from tcaccount.subject import Subject
from tcaccount.summary import summary
from tcclient.ledger.entries import moment
from tcclient.ledger.reading import lines
from tcclient.ledger.segments import files
from tcserver.accounts.account import account_of
from tcserver.accounts.models import LedgerRecord
from tcserver.accounts.services.fold import fold_some
from tcserver.accounts.services.ledger import append
from tcserver.captures.models import CaptureRecord
from tcserver.fleet.models import Client
from tcserver.history.acts import Act, Party
from tests.tcserver.world import START

READING = Reading.of()
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp()
JOB = 7

KINDS: Mapping[str, dict[str, Any]] = {
    "begin": {"kind": "ledger_begin", "ledger": "a"},
    "start": {"kind": "capture_start", "because": "started", "status": 3},
    "asked": {"kind": "keywords", "before": None, "after": "cats"},
    "in_force": {"kind": "keywords_in_force", "text": "cats", "since": "2026-06-01T12:00:00.000Z"},
    "lost": {"kind": "disconnected", "cause": "stall", "detail": "it was silent", "silent": 0.0},
    "left": {"kind": "capture_stop", "because": "left", "status": 3},
    "stop": {"kind": "capture_stop", "because": "stopped", "status": 4},
}


def told_at(seconds: float, members: Mapping[str, Any], job: int | None = JOB) -> bytes:
    """A line that was written so many seconds after NOON."""
    about = {} if job is None else {"job": job}
    return json.dumps({"at": moment(NOON + seconds), **about, **members}).encode() + b"\n"


def ledger(*told: tuple[float, str], begin: float = 0.0) -> bytes:
    """
    Lines, each so many seconds after NOON; `heard` ends the gap that began at the start, or a
    quarter of a second before the stream was lost.
    """
    data, since = b"", begin
    for at, kind in told:
        if kind == "heard":
            data += told_at(at, gap(since, at))
        else:
            since = at - 0.25 if kind == "lost" else at
            data += told_at(at, KINDS[kind])
    return data


def gap(begin: float, end: float, cause: str = "stall") -> dict[str, Any]:
    """The line about a gap; both ends are in seconds after NOON."""
    return {
        "kind": "gap",
        "begin": moment(NOON + begin),
        "end": moment(NOON + end),
        "seconds": end - begin,
        "cause": cause,
        "detail": "it was so",
        "attempts": 0,
        "keywords": "cats",
    }


def many(lines: int) -> bytes:
    """So many gaps of a second."""
    return b"".join(told_at(n, gap(n, n + 1)) for n in range(lines))


def id_of(ledger: bytes) -> str:
    """The id in a ledger's first line."""
    return str(json.loads(ledger.split(b"\n")[0])["ledger"])


def by(client: Client) -> Act:
    """A deed of a client's."""
    return Act(Party.CLIENT, client.pk, client.name, START)


def content(ledger: Path) -> bytes:
    """All bytes of a ledger, over its files."""
    return b"".join(file.read_bytes() for file in files(ledger))


def send(
    client: Client, name: str, capture: CaptureRecord | None, data: bytes, cuts: Sequence[int] = ()
) -> None:
    """
    Have what is not held of a ledger sent, cut at these places, and taken into the account after
    each piece.
    """
    held = LedgerRecord.objects.filter(client=client, name=name).values_list("held", flat=True)
    places = [*held, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    places = places if held else [0, *places]
    number = None if capture is None else capture.pk
    for begin, end in pairwise(places):
        append(client.pk, name, number, begin, data[begin:end], by(client))
        fold_all()


def fold_all() -> None:
    """Take all that is held into the accounts."""
    while fold_some():
        pass


def in_folder(folder: Path, index: Index) -> Subject:
    """The account of a folder, as tcc-account makes it, without what grows."""
    found = find(folder)
    told = record(lines(found.ledger, READING.vocabulary), READING.reports())
    is_open = any(history.is_running for history in told.jobs.values())
    return Subject(found.name, is_open, told, index)


def of_server(capture: CaptureRecord) -> Subject:
    """The account of a capture, as the server has it."""
    account = account_of(capture)
    assert account is not None
    return account.subject


def words(subject: Subject) -> tuple[list[str], dict[str, object]]:
    """The summary and the document of an account."""
    return list(summary(subject)), document(subject)
