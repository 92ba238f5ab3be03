"""
Works out coverage, gaps, posts and files, and says them in words, for a paper.  Pure.

Knows the sections of the summary, whose numbers docs/account.md explains; reads nothing.
"""

from collections.abc import Iterable, Iterator

import attrs

from tcaccount import remarks
from tcaccount.index import Index
from tcaccount.record import Record
from tcclient.ledger.history import JobHistory, MissedTime
from tcclient.ledger.intervals import total
from tcclient.ledger.wording import length, number, percent, when

MOST_GAPS = 10
"""How many gaps are listed: the longest."""

_WIDTH = 18
"""Characters of the column of titles."""

_ENDED = {
    "stopped": "when it was stopped",
    "withdrawn": "when it was withdrawn from this client",
    "renamed": "when it was renamed and went on in another folder",
}


@attrs.frozen
class Subject:
    """
    What a summary is about: the capture `name`, which a client has open or not, what the ledgers
    say, and in `growing` the number of posts in each file that is not finished, by its name.
    """

    name: str
    is_open: bool
    record: Record
    index: Index
    growing: dict[str, int]


@attrs.frozen
class _Share:
    """For how many seconds posts of one job were wanted, and how many of these are missing."""

    job: int
    wanted: float
    missing: float


def summary(subject: Subject) -> Iterator[str]:
    """Yield the lines of the summary."""
    record, histories = subject.record, list(subject.record.jobs.values())
    shares = _shares(subject, histories)
    jobs = ", ".join(str(job) for job in sorted(record.jobs))
    yield f'Capture "{subject.name}"' + (f", job {jobs}" if jobs else "")
    for title, texts in (
        ("Period", _period(subject, histories)),
        ("Wanted", _wanted(shares)),
        ("Coverage", _coverage(shares)),
        ("Gaps", _gaps(record)),
        ("Longest gaps", _longest(record.gaps())),
        ("Posts", _posts(subject)),
        ("Not in the files", remarks.not_in_files(record)),
        ("Keywords", _keywords(record)),
        ("Messages", remarks.messages(record)),
        ("This machine", remarks.machine(record)),
        ("Capture server", remarks.server(subject.index, histories)),
        ("Ledger", remarks.ledger(record)),
    ):
        yield from _section(title, texts)


def _section(title: str, texts: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a section, the first of them with its title."""
    for text in texts:
        yield f"{title:{_WIDTH}}{text}"
        title = ""


def _shares(subject: Subject, histories: list[JobHistory]) -> list[_Share]:
    """Return the share of each job for which posts were wanted."""
    shares = []
    for history in histories:
        away = subject.index.elsewhere(history.job, subject.name)
        wanted = total(history.wanted(away))
        if wanted > 0:
            shares.append(_Share(history.job, wanted, history.missed(away)))
    return shares


def _period(subject: Subject, histories: list[JobHistory]) -> Iterator[str]:
    wanted = subject.record.wanted(subject.index, subject.name)
    if not wanted:
        yield "not known: no line of the ledger says that the capture was started"
        return
    last = max(histories, key=lambda history: history.last)
    because = "where the ledger ends" if last.is_running else _ENDED.get(last.ended_because)
    begin, end = when(wanted[0][0]), when(wanted[-1][1])
    yield f"{begin} to {end} UTC, {because or 'when it ended'}"


def _wanted(shares: list[_Share]) -> Iterator[str]:
    if shares:
        seconds = sum(share.wanted for share in shares)
        yield f"{length(seconds)} between starts and stops by researchers"


def _coverage(shares: list[_Share]) -> Iterator[str]:
    wanted = sum(share.wanted for share in shares)
    missing = sum(share.missing for share in shares)
    if shares:
        yield f"{percent(wanted - missing, wanted)} of the wanted time: {length(missing)} missing"
    if len(shares) > 1:
        for share in shares:
            covered = percent(share.wanted - share.missing, share.wanted)
            yield f"  job {share.job}: {covered} of {length(share.wanted)}"


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
    ours = [one for one in record.files if not one.is_adopted]
    adopted = [one for one in record.files if one.is_adopted]
    yield f"{number(record.posts(adopted=False))} in {number(len(ours), 'finished file')}"
    for name, posts in subject.growing.items():
        state = "being written" if subject.is_open else "left by a crash"
        yield f"{number(posts)} in {name}, {state}"
    if adopted:
        files = number(len(adopted), "file")
        yield f"{number(record.posts(adopted=True))} in {files} from before the ledger"
    for job, counters in sorted(record.counters.items()):
        here = f"{number(counters.posts)} in files that this client finished"
        yield f"job {job}: {here}, {number(counters.base)} more that the server counts"


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
