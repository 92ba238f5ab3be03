"""
Joins what several ledgers say of one job: of clients that had it one after the other, or at the
same time, and of folders.  Pure.

Posts are missing while they are wanted by anybody and nobody hears them.
"""

from collections.abc import Iterable, Sequence

from msgspec import structs

from tcaccount.record import Record
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import moment
from tcclient.ledger.fold import Total
from tcclient.ledger.history import JobHistory, MissedTime
from tcclient.ledger.intervals import Interval, merged, without


def joined(records: Sequence[Record], job: int) -> Record:
    """
    Return what the records say of a job; of other jobs only what no line ascribes to any.  A record
    that is about nothing else is returned as it is.
    """
    if len(records) == 1 and set(records[0].jobs) == {job}:
        return records[0]
    result = Record(reports=[report for one in records for report in one.reports])
    histories = [one.jobs[job] for one in records if job in one.jobs]
    if histories:
        result.jobs[job] = history(histories)
    told = [one.counters[job] for one in records if job in one.counters]
    if told:
        result.counters[job] = _counters(told)
    for record in records:
        for kind, total in record.totals.items():
            sums = result.totals.setdefault(kind, Total())
            sums.lines, sums.amount = sums.lines + total.lines, sums.amount + total.amount
        result.files += [one for one in record.files if one.job in (job, None)]
        result.stored += [one for one in record.stored if one.job in (job, None)]
        result.torn += record.torn
        result.unreadable += record.unreadable
        result.clock_steps += record.clock_steps
        result.unread += record.unread
        result.damaged += record.damaged
        result.keeps_again = result.keeps_again or record.keeps_again
    result.clock_steps.sort()
    return result


def history(told: Sequence[JobHistory]) -> JobHistory:
    """Return what several histories of one job say together."""
    newest = max(told, key=lambda one: one.last)
    wanted = merged(span for one in told for span in one.wanted())
    result = JobHistory(
        newest.job,
        first=min((one.first for one in told if one.first is not None), default=None),
        last=newest.last,
        starts=[begin for begin, _ in wanted],
        stops=[end for _, end in wanted],
        ended_because=newest.ended_because,
        text=newest.text,
    )
    if newest.is_running and wanted and wanted[-1][1] == newest.last:
        result.stops.pop()
    wordings = [wording for one in told for wording in one.wordings]
    result.wordings = sorted(wordings, key=lambda one: one.begin or one.asked or 0.0)
    covered = [without(one.wanted(), [(gap.begin, gap.end) for gap in one.gaps()]) for one in told]
    for place, one in enumerate(told):
        others = merged(span for n, spans in enumerate(covered) if n != place for span in spans)
        result.closed += [part for gap in one.gaps() for part in _outside(gap, others)]
    result.closed.sort(key=lambda gap: gap.begin)
    return result


def _outside(gap: MissedTime, heard: Sequence[Interval]) -> Iterable[MissedTime]:
    """Yield the parts of a gap in which no other client heard the stream."""
    for begin, end in without([(gap.begin, gap.end)], heard):
        if (begin, end) == (gap.begin, gap.end):
            yield gap
            continue
        line = structs.replace(
            gap.line, begin=moment(begin), end=moment(end), seconds=round(end - begin, 3)
        )
        yield MissedTime(gap.job, line, is_open=gap.is_open and end == gap.end)


def _counters(told: Sequence[Counters]) -> Counters:
    """Return the posts of all, and what the server counts besides them."""
    posts = sum(one.posts for one in told)
    everybody = max(one.base + one.posts for one in told)
    settled = sum(one.settled for one in told)
    return structs.replace(told[-1], posts=posts, base=max(0, everybody - posts), settled=settled)
