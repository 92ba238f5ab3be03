"""
What else a ledger tells of a capture, in words: what is not in the files, and what happened
meanwhile.  Pure.

Knows the sentences of these sections of the summary; reads nothing.
"""

from collections.abc import Iterator

from tcaccount.index import Index
from tcaccount.record import Record
from tcclient.ledger.history import JobHistory
from tcclient.ledger.intervals import merged, total
from tcclient.ledger.wording import length, number, when
from tcclient.sources.source import COMMON_MESSAGES


def not_in_files(record: Record) -> Iterator[str]:
    """Yield how many posts are not in the files, and how many lines that may have been posts."""
    for report in record.reports:
        yield from report.not_in_files()
    if record.total("not_stored").lines:
        yield f"{number(round(record.total('not_stored').amount))} arrived and were not stored"
    again = round(record.total("delivered_again").amount)
    if again:
        yield f"{number(again)} came again, and were stored once"
    if record.torn:
        yield f"{number(len(record.torn))} cut by a crash, kept in .torn files"
    refused = record.total("refused").lines
    if refused:
        lines = number(refused, "line that was", "lines that were")
        yield f"{lines} no message"


def messages(record: Record) -> Iterator[str]:
    """Yield what came besides posts, kind by kind."""
    names: dict[str, tuple[str, str]] = {}
    for report in record.reports:
        names |= report.messages
    for kind, (one, many) in {**names, **COMMON_MESSAGES}.items():
        if record.total(kind).lines:
            yield number(record.total(kind).lines, one, many)


def machine(record: Record) -> Iterator[str]:
    """Yield when this machine's clock was set, and for how long its disk took no posts."""
    for at, step in record.clock_steps:
        direction = "forward" if step > 0 else "back"
        yield f"the clock was set {direction} by {length(abs(step))}, to {when(at)}"
    began, ended = record.total("disk_trouble"), record.total("disk_recovered")
    if began.lines:
        times = number(began.lines, "time")
        open_ones = began.lines - ended.lines
        of_them = (
            f", but for {number(open_ones)} whose end nobody has seen" if open_ones > 0 else ""
        )
        yield f"the disk took no posts {times}, {length(ended.amount)} in all{of_them}"


def server(index: Index, histories: list[JobHistory]) -> Iterator[str]:
    """Yield how often, and for how long, the server failed while the folder was in use."""
    first = min((history.first for history in histories if history.first is not None), default=0.0)
    last = max((history.last for history in histories), default=0.0)
    failures = [(one.end - one.seconds, one.end) for one in index.outages]
    during = [one for one in failures if one[0] <= last and one[1] >= first]
    if during:
        outages = max(1, len(merged(during)))  # several things may fail at the same time
        yield f"failed {number(outages, 'time')}, {length(total(during))} in all; capturing went on"


def ledger(record: Record) -> Iterator[str]:
    """Yield which lines the ledger itself has lost, or has and nobody can read."""
    repaired = record.total("ledger_repaired")
    if repaired.lines:
        lines = number(repaired.lines, "line")
        yield f"a crash cut {lines} of it, {number(round(repaired.amount), 'byte')}"
    dropped = round(record.total("lines_dropped").amount)
    if dropped:
        yield f"{number(dropped, 'line')} found no room on the disk"
    if record.unreadable:
        yield f"{number(len(record.unreadable), 'line')} cannot be read: see --verify"
