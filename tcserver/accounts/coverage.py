"""
How much of a short time is covered of many captures, as a list of them shows it.

Reads only what is newer than that time; a few queries, however many captures there are.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db.models import F

from tcaccount.joining import joined
from tcaccount.parts import AccountParts, attach
from tcaccount.record import Record
from tcaccount.subject import Share
from tcclient.ledger.history import JobHistory
from tcclient.ledger.intervals import Interval, total, within
from tcserver.accounts.account import last_of, put, state_at
from tcserver.accounts.models import LedgerJob, LedgerRecord
from tcserver.accounts.times import times_since
from tcserver.captures.models import CaptureRecord

YOUNG = 60.0
"""Seconds of wanted time from which on a share of it says something."""
LEEWAY = timedelta(days=1)
"""A ledger that has grown for the last time so long before says nothing of later times."""


def covered(captures: Sequence[CaptureRecord], begin: float, end: float) -> dict[int, Share]:
    """
    Return for how long each capture was wanted between two times, in epoch seconds, and how much
    of that is missing, by the capture's number; nothing of one without a ledger.
    """
    rows = LedgerJob.objects.filter(
        job__in=[one.pk for one in captures],
        ledger__client__assignments__capture_id=F("job"),
    )
    ledgers: dict[int, list[LedgerRecord]] = {}
    for row in rows.select_related("ledger__folding").order_by("ledger__folding__begun", "ledger"):
        ledgers.setdefault(row.job, []).append(row.ledger)
    last = {job: list(last_of(some)) for job, some in ledgers.items()}
    records = _records([one for some in last.values() for one in some], begin)
    return {
        job: _share(joined([records[one.pk] for one in some], job), job, (begin, end))
        for job, some in last.items()
    }


def _share(record: Record, job: int, span: Interval) -> Share:
    """Return for how long a job was wanted in a span of time, and was missing."""
    told = record.jobs.get(job, JobHistory(job))
    wanted = within(told.wanted(), [span])
    missing = within([(gap.begin, gap.end) for gap in told.gaps()], wanted)
    return Share(job, total(wanted), total(missing))


def _records(last: Sequence[LedgerRecord], since: float) -> dict[int, Record]:
    """Return when posts were wanted and missing since then, by the ledger that says so last."""
    states = {one.pk: state_at(one) for one in last}
    chains = _chains(last, since)
    parts = {pk: AccountParts() for pk in states}
    for _, ledger, position, kind, _, text in times_since(chains, since):
        for number in chains[ledger]:
            # More may have come into a ledger since its state was read.
            if number != ledger or position <= states[number].position:
                put(parts[number], kind, text)
    for pk, state in states.items():
        attach(state.record, parts[pk])
    return {pk: state.record for pk, state in states.items()}


def _chains(last: Sequence[LedgerRecord], since: float) -> dict[int, list[int]]:
    """Return the ledgers that may tell of times since then, with the last ones of their chains."""
    chains = {one.pk: [one.pk] for one in last}
    lively = datetime.fromtimestamp(since, UTC) - LEEWAY
    bases = {one.folding.base_id: one.pk for one in last if one.folding.base_id is not None}
    while bases:
        rows = LedgerRecord.objects.filter(pk__in=bases, appended_at__gte=lively)
        found = list(rows.select_related("folding"))
        for one in found:
            chains.setdefault(one.pk, []).append(bases[one.pk])
        bases = {one.folding.base_id: bases[one.pk] for one in found if one.folding.base_id}
    return chains
