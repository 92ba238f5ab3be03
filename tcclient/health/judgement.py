"""
Judges how a client is, by what is known of it.  Pure.

Knows which facts are bad, how bad, and what to do about them; the causes of gaps have their words
in `cures`.
"""

from collections.abc import Iterator, Sequence

from tcclient.health.cures import cure, plainly
from tcclient.health.facts import CaptureFacts, ClientFacts
from tcclient.health.health import Finding, Health, Level
from tcclient.ledger.wording import length, number, when
from tcclient.runtime.shortage import OUT_OF_DESCRIPTORS

PATIENCE = 60.0
"""
Seconds for which a capture may not run, or its stream be away, before that is down: connecting
again takes a while.
"""

_LONG = ("budget",)
"""Causes of gaps that are not over in a minute."""

LATE = 180.0
"""Seconds of which it may not be known whether what came is on the disk."""

DAYS = 3.0
"""A disk that is full in less than so many days, at the rate of the last one, is nearly full."""

LEAST_FREE = 1 << 30
"""Bytes; a disk that has fewer to spare is nearly full whatever the rate."""

CLOCK = 30.0
"""Seconds by which a clock may be off: OAuth signatures bear minutes, slots and stamps do not."""

QUIET = 180.0
"""Seconds without a post after which a stream may be called quiet."""

MISSED = 60
"""Posts that should have come meanwhile, at the earlier rate, before a stream is called quiet."""


def judge(facts: ClientFacts) -> Health:
    """Return how the client is."""
    return Health.of([*_client(facts), *_disk(facts), *_surroundings(facts)])


def _client(facts: ClientFacts) -> Iterator[Finding]:
    """Yield what is wrong with the process, or if it runs with its captures."""
    if facts.runs:
        if facts.silent_since is not None:
            yield _silent(facts.silent_since, facts.now)
        for capture in facts.captures:
            yield from _capture(capture, facts.now)
    elif facts.captures or not facts.ended:
        last = f", last heard of at {when(facts.sign)} UTC" if facts.sign is not None else ""
        how = "was stopped" if facts.ended else "has died"
        yield Finding(
            code="client_stopped" if facts.ended else "client_dead",
            level=Level.DOWN,
            what=f"The client {how}{last}; {_waiting(facts.captures)}.",
            cure="Start it: it goes on where it stopped, and notes the gap."
            + ("" if facts.ended else " The end of its log says why it ended."),
            since=facts.sign,
        )


def _silent(since: float, now: float) -> Finding:
    """Return that a client runs, and does not say how it is."""
    return Finding(
        code="stuck",
        level=Level.DOWN,
        what=f"The client runs, and has not written for {length(now - since)} how it is: the disk "
        "takes nothing, or the client hangs.",
        cure="See its log, and mend the disk; if the log is silent too, start the client again.",
        since=since,
    )


def _waiting(captures: Sequence[CaptureFacts]) -> str:
    """Return which captures wait for a client, a clause."""
    if not captures:
        return "nothing is known to wait for it"
    waiting = number(len(captures), "capture waits", "captures wait")
    return f"{waiting} for it: {_named(captures)}"


def _named(captures: Sequence[CaptureFacts]) -> str:
    names = ", ".join(repr(capture.name) for capture in captures[:5])
    return f"{names}, …" if len(captures) > 5 else names


def _capture(capture: CaptureFacts, now: float) -> Iterator[Finding]:
    """Yield what is wrong with a capture that is wanted."""
    yield from _stream(capture, now)
    if capture.refused:
        yield Finding(
            code="terms_refused",
            level=Level.DEGRADED,
            what=f"{number(capture.refused, 'term')} of {capture.name!r} cannot be asked for.",
            cure="Correct the keywords on the website; the ledger says why each is left out.",
            job=capture.job,
        )
    lacking = capture.lacking
    if lacking is not None:
        terms = number(lacking.number, "term")
        yield Finding(
            code="terms_lacking",
            level=Level.DEGRADED,
            what=f"{terms} of {capture.name!r} cannot be asked for at present: {lacking.reason}.",
            cure="The client tries on; if there is no room for its rules, see tcc-rules list, or "
            "take terms away.",
            job=capture.job,
        )


def _stream(capture: CaptureFacts, now: float) -> Iterator[Finding]:
    """Yield why no posts of the capture are stored, the first reason that there is."""
    name, missing = repr(capture.name), capture.missing
    if capture.not_run:
        since = capture.not_run_since
        yield Finding(
            code="not_run",
            level=Level.DOWN if since is None or now - since > PATIENCE else Level.DEGRADED,
            what=f"{name} is wanted and does not run: {capture.not_run}.",
            cure="See beside its keywords on the website what is left out and why, or else the log "
            "of the client.",
            since=since,
            job=capture.job,
        )
    elif capture.disk:
        is_own = capture.disk == OUT_OF_DESCRIPTORS  # and no fault of the disk
        yield Finding(
            code="disk",
            level=Level.DOWN,
            what=f"Posts of {name} cannot be stored: {capture.disk}."
            if is_own
            else f"The disk takes no posts of {name}: {capture.disk}.",
            cure="Then start the client again." if is_own else cure("disk"),
            since=capture.disk_since,
            job=capture.job,
        )
    elif missing is not None:
        lasted = max(0.0, now - missing.begin)
        is_soon_over = lasted <= PATIENCE and missing.cause not in _LONG
        yield Finding(
            code=missing.cause,
            level=Level.DEGRADED if is_soon_over else Level.DOWN,
            what=f"{name} has had no stream for {length(lasted)}: {plainly(missing)}.",
            cure=cure(missing.cause, missing.status, missing.explanation),
            since=missing.begin,
            job=capture.job,
        )
    elif capture.lag is not None and capture.lag > LATE:
        yield Finding(
            code="unsynced",
            level=Level.DEGRADED,
            what=f"What has come of {name} for {length(capture.lag)} may not be on the disk.",
            cure="See the log of the client: the disk may take nothing; or it is as "
            "output.fsync_interval wants.",
            since=now - capture.lag,
            job=capture.job,
        )
    elif is_quiet(capture.lively, capture.silent):
        yield Finding(
            code="quiet",
            level=Level.DEGRADED,
            what=f"No post of {name} has come for {length(capture.silent)}; "
            f"{capture.lively:.1f} came in a second before.",
            cure="See whether the keywords still match; if they do, stop and start the capture.",
            since=now - capture.silent,
            job=capture.job,
        )


def is_quiet(rate: float, silent: float) -> bool:
    """
    Return whether a stream is open and brings suspiciously little: no post for `silent` seconds,
    where `rate` posts came in a second before.
    """
    return silent >= QUIET and rate * silent >= MISSED


def is_nearly_used_up(spent: int, limit: int) -> bool:
    """Return whether 80 % of a limit are spent, reckoned in whole numbers."""
    return 5 * spent >= 4 * limit


def _disk(facts: ClientFacts) -> Iterator[Finding]:
    """Yield that the disk is nearly full, unless it takes nothing, which is said of captures."""
    if facts.disk_free is None or (facts.runs and any(one.disk for one in facts.captures)):
        return
    spare = max(0, facts.disk_free - facts.disk_kept)
    days = spare / facts.disk_daily if facts.disk_daily else None
    if spare < LEAST_FREE or (days is not None and days < DAYS):
        left = "" if days is None else f", enough for {length(days * 86400)} at the last day's rate"
        yield Finding(
            code="disk_nearly_full",
            level=Level.DEGRADED,
            what=f"{number(spare)} bytes are left on the disk{left}.",
            cure="Move finished files away, or make room.",
        )


def _surroundings(facts: ClientFacts) -> Iterator[Finding]:
    """Yield what is wrong with the server, the token, the clock, the budget and the log."""
    if facts.server is not None:
        yield Finding(
            code="server",
            level=Level.DEGRADED,
            what=f"The capture server fails at {facts.server.doing}: {facts.server.reason}.",
            cure="What runs goes on; starts and stops by researchers wait. See to the server.",
            since=facts.server.since,
        )
    shared = [capture for capture in facts.captures if capture.is_shared]
    if shared:
        yield Finding(
            code="shared",
            level=Level.DEGRADED,
            what=f"Another installation reports for {_named(shared)} as this client: the totals on "
            "the server count posts of both.",
            cure="Give each a client, with a token, of its own on the website, or end one.",
        )
    offset = facts.clock_offset
    if offset is not None and abs(offset) > CLOCK:
        yield Finding(
            code="clock",
            level=Level.DEGRADED,
            what=f"This machine's clock is {length(abs(offset))} "
            + ("ahead of" if offset > 0 else "behind")
            + " that of the capture server.",
            cure="Set it, and keep it set: apt install chrony.",
        )
    for limit in facts.limits:
        if not is_nearly_used_up(limit.spent, limit.limit):
            continue
        is_used_up = limit.spent >= limit.limit
        is_end = is_used_up and not limit.of_plan  # a plan's end is the other side's to say
        advice = "take a larger plan at X." if limit.of_plan else "raise twitter.budget."
        if limit.until is not None:
            advice = f"wait until {when(limit.until)} UTC, or {advice}"
        yield Finding(
            code="budget" if is_end else "budget_nearly",
            level=Level.DOWN if is_end else Level.DEGRADED,
            what=f"{min(100, 100 * limit.spent // limit.limit)} % of the posts of the {limit.name} "
            f"are spent: {number(limit.spent)} of {number(limit.limit)}.",
            cure=advice[0].upper() + advice[1:],
        )
    if facts.log_dropped:
        yield Finding(
            code="log",
            level=Level.DEGRADED,
            what=f"{number(facts.log_dropped, 'line')} found no room on the way to the log.",
            cure="See what reads the log of the client, or its disk.",
        )
