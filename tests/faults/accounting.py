"""
Whether the numbers of a run agree.  Pure: what was seen comes in, a row of the table goes out.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs

from tcclient.ledger.gaps import IN_FLIGHT

SLACK = 1.5
"""
Seconds by which the gaps may exceed the time without a connection, for each fault: a quarter at the
beginning, and on a busy machine about as long as it takes until an answer that is there is read.
"""

ROAD = 0.5
"""
Seconds that a post may be on its way besides what is in flight by the rules, where more processes
want to run than there are processors: nobody but this machine can tell.
"""


@attrs.frozen
class Span:
    """From one Unix time to another."""

    begin: float
    end: float


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time as spans that neither touch nor overlap, in order."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.begin):
        if found and span.begin <= found[-1].end:
            found[-1] = Span(found[-1].begin, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def clipped(spans: Iterable[Span], period: Span) -> list[Span]:
    """What lies within the period."""
    cut = (Span(max(s.begin, period.begin), min(s.end, period.end)) for s in spans)
    return [span for span in merged(cut) if span.end > span.begin]


def outside(spans: Iterable[Span], period: Span) -> list[Span]:
    """The time of the period that is in none of the spans."""
    found = []
    begin = period.begin
    for span in clipped(spans, period):
        found.append(Span(begin, span.begin))
        begin = span.end
    return clipped([*found, Span(begin, period.end)], period)


def seconds(spans: Iterable[Span]) -> float:
    """How long they are together; time in several of them counts once."""
    return sum(span.end - span.begin for span in merged(spans))


@attrs.frozen
class Claim:
    """That all which came until a Unix time is in files, of whose posts this is the newest."""

    until: float
    newest: int


@attrs.frozen
class Evidence:
    """
    What was seen of one capture.  `sent` has from when each post was made until it was handed on,
    which takes a while where the machine has much to do; `stored` the ids in the finished files;
    `torn` counts the lines there that are no posts; `counted` is the client's own number; `total`
    and `reported` are the server's: its total, and the sum of all `count`.

    `gaps` are the ledger's; `down` is the time in which no post could arrive, and `late` that in
    which the road to the client stood still: what was sent then came at its end.  `verified` has
    what tcc-account found to differ between files and ledger, and `claims` what the folder said
    while all this happened.
    """

    sent: Mapping[int, Span]
    stored: Sequence[int]
    torn: int
    counted: int
    total: int
    reported: int
    gaps: Sequence[Span]
    down: Sequence[Span]
    period: Span
    verified: str = ""
    late: Sequence[Span] = ()
    claims: Sequence[Claim] = ()


@attrs.frozen
class Row:
    """A scenario and what came of it.  `wrong` says in words what does not agree."""

    scenario: str
    faults: int
    sent: int
    on_disk: int
    counted: int
    reported: int
    torn: int
    twice: int
    foreign: int
    unaccounted: int
    gaps: float
    down: float
    recovery: float
    wrong: tuple[str, ...]


def judge(scenario: str, seen: Evidence, recoveries: Sequence[float]) -> Row:
    """The row of a run; `recoveries` has, for each fault, the seconds until all was well."""
    stored = set(seen.stored)
    row = Row(
        scenario=scenario,
        faults=len(recoveries),
        sent=len(seen.sent),
        on_disk=len(seen.stored),
        counted=seen.counted,
        reported=seen.reported,
        torn=seen.torn,
        twice=sum(times - 1 for times in Counter(seen.stored).values()),
        foreign=len(stored - seen.sent.keys()),
        unaccounted=len(unaccounted(seen, stored)),
        gaps=seconds(clipped(seen.gaps, seen.period)),
        down=seconds(clipped(seen.down, seen.period)),
        recovery=max(recoveries, default=0.0),
        wrong=(),
    )
    return attrs.evolve(row, wrong=tuple(_wrong_with(row, seen)))


def unaccounted(seen: Evidence, stored: set[int]) -> list[int]:
    """
    The posts that were sent, are not on disk, and lie in no gap, wherever they may have been.  A
    rule that began to work while one was under way has not matched it: that gap ends later.
    """
    return [
        post
        for post, span in seen.sent.items()
        if post not in stored
        and not any(
            gap.begin <= _came(span.end, seen.late) and span.begin <= gap.end for gap in seen.gaps
        )
    ]


def overstated(seen: Evidence) -> float:
    """
    The seconds by which a claim went too far: the client said that all was in files, and a post
    that had come was in none.  Had it died then, no gap would have told of that post.
    """
    found, gaps = 0.0, merged(seen.gaps)
    told = [
        post
        for post, span in seen.sent.items()
        if any(gap.begin <= span.end and span.begin <= gap.end for gap in gaps)
    ]
    owed = sorted(seen.sent.keys() - set(told))
    for claim in seen.claims:
        place = bisect_right(owed, claim.newest)
        if place < len(owed):
            came = _came(seen.sent[owed[place]].end, seen.late)
            found = max(found, claim.until - IN_FLIGHT - came)
    return found


def _came(at: float, late: Sequence[Span]) -> float:
    """When a post came that was sent then, at the latest."""
    return max((span.end for span in merged(late) if span.begin <= at <= span.end), default=at)


def _wrong_with(row: Row, seen: Evidence) -> Iterable[str]:
    if not row.on_disk:
        yield "nothing was captured"
    for name in ("torn", "twice", "foreign", "unaccounted"):
        if number := getattr(row, name):
            yield f"{number} posts {name}" if name != "torn" else f"{number} lines torn"
    for whose, number in (
        ("client's count", row.counted),
        ("server's total", seen.total),
        ("sum of count", row.reported),
    ):
        if number != row.on_disk:
            yield f"the {whose} is {number}, {row.on_disk} posts are on disk"
    if row.gaps - row.down > SLACK * row.faults:
        yield f"gaps of {row.gaps:.1f} s, where {row.down:.1f} s had no connection"
    if (ahead := overstated(seen)) > ROAD:
        yield f"all was said to be in files {ahead:.2f} s before it was"
    if seen.verified:
        yield f"tcc-account finds: {seen.verified.strip()}"
