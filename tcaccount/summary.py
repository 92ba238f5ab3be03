"""
Works out what a ledger tells of a capture, and says it in words, for a paper.  Pure.

Knows the sections of the summary, whose numbers docs/account.md explains; reads nothing.
"""

from collections.abc import Iterable, Iterator

from tcaccount.index import Index
from tcaccount.record import Record
from tcaccount.subject import Share, Subject, coverage
from tcclient.ledger.history import JobHistory, MissedTime
from tcclient.ledger.intervals import merged, total
from tcclient.ledger.wording import length, number, when
from tcclient.sources.source import COMMON_MESSAGES

MOST_GAPS = 10
"""How many gaps are listed: the longest."""

SEE_VERIFY = ": see --verify"
"""What is said where the command tells more."""

_WIDTH = 18
"""Characters of the column of titles."""

_ENDED = {
    "stopped": "when it was stopped",
    "withdrawn": "when it was withdrawn from this client",
    "renamed": "when it was renamed and went on in another folder",
}


def summary(subject: Subject) -> Iterator[str]:
    """Yield the lines of the summary."""
    jobs = ", ".join(str(job) for job in sorted(subject.record.jobs))
    yield f'Capture "{subject.name}"' + (f", job {jobs}" if jobs else "")
    for title, texts in sections(subject):
        for text in texts:
            yield f"{title:{_WIDTH}}{text}"
            title = ""


def sections(subject: Subject) -> Iterator[tuple[str, list[str]]]:
    """Yield the title and the texts of each section that has something to say."""
    record, histories = subject.record, list(subject.record.jobs.values())
    shares = subject.shares()
    found: tuple[tuple[str, Iterable[str]], ...] = (
        ("Period", _period(subject, histories)),
        ("Wanted", _wanted(shares)),
        ("Coverage", _coverage(shares)),
        ("Gaps", _gaps(record)),
        ("Longest gaps", _longest(record.gaps())),
        ("Posts", _posts(subject)),
        ("Not in the files", _not_in_files(record)),
        ("Keywords", _keywords(record)),
        ("Messages", _messages(record)),
        ("This machine", _machine(record)),
        ("Capture server", _server(subject.index, histories)),
        ("Ledger", _ledger(record)),
    )
    yield from ((title, said) for title, texts in found if (said := list(texts)))


def _period(subject: Subject, histories: list[JobHistory]) -> Iterator[str]:
    wanted = subject.record.wanted(subject.index, subject.name)
    if not wanted:
        yield "not known: no line of the ledger says that the capture was started"
        return
    last = max(histories, key=lambda history: history.last)
    because = "where the ledger ends" if last.is_running else _ENDED.get(last.ended_because)
    begin, end = when(wanted[0][0]), when(wanted[-1][1])
    yield f"{begin} to {end} UTC, {because or 'when it ended'}"


def _wanted(shares: list[Share]) -> Iterator[str]:
    if shares:
        seconds = sum(share.wanted for share in shares)
        yield f"{length(seconds)} between starts and stops by researchers"


def _coverage(shares: list[Share]) -> Iterator[str]:
    if shares:
        yield coverage(shares)
    if len(shares) > 1:
        for share in shares:
            yield f"  job {share.job}: {share.covered} of {length(share.wanted)}"


def _gaps(record: Record) -> Iterator[str]:
    gaps = record.gaps()
    if not gaps:
        yield "none"
        return
    longest = max(gap.seconds for gap in gaps)
    yield f"{number(len(gaps))}, the longest {length(longest)}"
    by_cause: dict[str, list[MissedTime]] = {}
    for gap in gaps:
        by_cause.setdefault(gap.line.cause, []).append(gap)
    for cause, some in sorted(by_cause.items(), key=lambda item: -_sum(item[1])):
        yield f"  {cause}: {number(len(some))}, {length(_sum(some))} in all"
    for report in record.reports:
        yield from report.of_gaps()


def _sum(gaps: list[MissedTime]) -> float:
    return sum(gap.seconds for gap in gaps)


def _longest(gaps: list[MissedTime]) -> Iterator[str]:
    longest = sorted(gaps, key=lambda gap: -gap.seconds)[:MOST_GAPS]
    for gap in sorted(longest, key=lambda gap: gap.begin):
        end = "still open at the end of the ledger" if gap.is_open else f"to {when(gap.end)}"
        why = f"{gap.line.cause}: {gap.line.detail}"
        yield f"from {when(gap.begin)} {end}, {length(gap.seconds)}, {why}"


def _posts(subject: Subject) -> Iterator[str]:
    record = subject.record
    ours, adopted = record.finished(adopted=False), record.finished(adopted=True)
    yield f"{number(record.posts(adopted=False))} in {number(ours, 'finished file')}"
    for name, posts in subject.growing.items():
        state = "being written" if subject.is_open else "left by a crash"
        yield f"{number(posts)} in {name}, {state}"
    if adopted:
        files = number(adopted, "file")
        yield f"{number(record.posts(adopted=True))} in {files} from before the ledger"
    for job, counters in sorted(record.counters.items()):
        here = f"job {job}: {number(counters.posts)} in files that this client finished"
        elsewhere = f", {number(counters.base)} more that the server has from elsewhere"
        yield here + (elsewhere if counters.base else "")


def _keywords(record: Record) -> Iterator[str]:
    for one in record.wordings():
        text = "all posts (the sample)" if not one.text else repr(one.text)
        if one.begin is None:
            asked = "" if one.asked is None else f", asked for at {when(one.asked)}"
            yield f"{text}: not known to have been in force{asked}"
        else:
            end = "the end of the ledger" if one.end is None else when(one.end)
            yield f"{text}: from {when(one.begin)} to {end}"
        if one.refused:
            yield f"  {number(len(one.refused), 'term')} left out"


def _not_in_files(record: Record) -> Iterator[str]:
    """Yield how many posts are not in the files, and how many lines that may have been posts."""
    for report in record.reports:
        yield from report.not_in_files()
    not_stored = round(record.total("not_stored").amount)
    if not_stored:
        yield f"{number(not_stored)} arrived and were not stored"
    again = round(record.total("delivered_again").amount)
    if again:
        yield f"{number(again)} came again, and were stored once"
    if record.torn:
        yield f"{number(len(record.torn))} cut by a crash, kept in .torn files"
    refused = record.total("refused").lines
    if refused:
        lines = number(refused, "line that was", "lines that were")
        yield f"{lines} no message"


def _messages(record: Record) -> Iterator[str]:
    names: dict[str, tuple[str, str]] = {}
    for report in record.reports:
        names |= report.messages
    for kind, (one, many) in {**names, **COMMON_MESSAGES}.items():
        if record.total(kind).lines:
            yield number(record.total(kind).lines, one, many)


def _machine(record: Record) -> Iterator[str]:
    """Yield when this machine's clock was set, and how long it slept, or its disk took no posts."""
    for at, step in record.clock_steps:
        direction = "forward" if step > 0 else "back"
        yield f"the clock was set {direction} by {length(abs(step))}, to {when(at)}"
    sleeps = record.total("sleep")
    if sleeps.lines:
        yield f"it slept {number(sleeps.lines, 'time')}, {length(sleeps.amount)} in all"
    began, ended = record.total("disk_trouble"), record.total("disk_recovered")
    if began.lines:
        times = number(began.lines, "time")
        open_ones = began.lines - ended.lines
        of_them = (
            f", but for {number(open_ones)} whose end nobody has seen" if open_ones > 0 else ""
        )
        yield f"the disk took no posts {times}, {length(ended.amount)} in all{of_them}"


def _server(index: Index, histories: list[JobHistory]) -> Iterator[str]:
    """Yield how often, and for how long, the server failed while the folder was in use."""
    first = min((history.first for history in histories if history.first is not None), default=0.0)
    last = max((history.last for history in histories), default=0.0)
    failures = [(one.end - one.seconds, one.end) for one in index.outages]
    during = [one for one in failures if one[0] <= last and one[1] >= first]
    if during:
        outages = max(1, len(merged(during)))  # several things may fail at the same time
        yield f"failed {number(outages, 'time')}, {length(total(during))} in all; capturing went on"


def _ledger(record: Record) -> Iterator[str]:
    """Yield which lines the ledger itself has lost, or has and nobody can read."""
    repaired = record.total("ledger_repaired")
    if repaired.lines:
        lines = number(repaired.lines, "line")
        yield f"a crash cut {lines} of it, {number(round(repaired.amount), 'byte')}"
    dropped = round(record.total("lines_dropped").amount)
    if dropped:
        yield f"{number(dropped, 'line')} found no room on the disk"
    if record.unread:
        yield f"{number(record.unread, 'line')} cannot be read{SEE_VERIFY}"
