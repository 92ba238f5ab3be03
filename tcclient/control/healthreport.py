"""
How a client, its machine and its captures are, in the form in which others are told.  Pure.

Made from the facts that health is judged by, in the words of the findings; knows no channel.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, structs

from tcclient.control.reports import Host, Moment, State
from tcclient.health.facts import CaptureFacts, ClientFacts
from tcclient.health.health import Finding, Health, Level
from tcclient.runtime.failures import storable
from tcclient.runtime.schemas import schemas

OK = "ok"
"""The condition of a capture of which nothing is found."""
OTHER = "other"
"""The condition of a capture that has no stream for a cause that has no name here."""
STOPPING, IDLE = "stopping", "idle"
"""The conditions of captures that are not wanted: that end, and of which nothing is left to do."""

LONGEST_REASON = 1000
"""Characters of a reason."""


class ReportedFinding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Something that is not as it should be: a `code` for programs, `what` it is and what to do
    (`cure`) for people, `since` when and about which `job`, if that is known.
    """

    code: str
    level: Level
    what: str
    cure: str
    since: Moment | None = None
    job: int | None = None


class Report(Struct, frozen=True, kw_only=True):
    """
    How a client is: the worst `level` of what is found, the worst first, and `since` when it is as
    bad as that; each capture that is wanted, and the machine.
    """

    level: Level
    since: Moment | None
    findings: tuple[ReportedFinding, ...]
    captures: tuple[State, ...]
    host: Host


def report(facts: ClientFacts, health: Health) -> Report:
    """Return all that is known, by the facts and what was found by them."""
    return Report(
        level=health.level,
        since=_moment(health.since),
        findings=tuple(_found(finding) for finding in health.findings),
        captures=tuple(state(one, facts, health) for one in facts.captures),
        host=host(facts),
    )


def state(capture: CaptureFacts, facts: ClientFacts, health: Health) -> State:
    """
    Return how a capture is: `condition` is the code of the worst that is found of it, or of a
    client that does not run, and `ok` for nothing, since the stream is heard without a break;
    `reason` has the sentences of that.  The `revision` is added by states().
    """
    its = (one for one in health.findings if one.job == capture.job)
    every = (one for one in health.findings if one.job is None and not facts.runs)
    worst = next(its, None) or next(every, None)
    return State(
        job=capture.job,
        condition=OK if worst is None else _condition(worst.code),
        reason="" if worst is None else storable(f"{worst.what} {worst.cure}")[:LONGEST_REASON],
        since=_moment(capture.heard_since if worst is None else worst.since),
        total=capture.total,
        rate=None if capture.rate is None else round(capture.rate, 3),
        lag=None if capture.lag is None else round(max(0.0, capture.lag), 3),
        next_attempt=_moment(capture.next_attempt),
    )


class Applied(Struct, frozen=True):
    """
    A job as its client goes by it: the newest `revision` that it has applied, None for none, and
    whether it `ends` a capture that is not wanted any more.  `total` and `rate` are as the server
    was told them last, None where nothing is known here.
    """

    job: int
    revision: int | None = None
    ends: bool = False
    total: int | None = None
    rate: float | None = None


def states(applied: Iterable[Applied], facts: ClientFacts, health: Health) -> list[State]:
    """Return how all jobs of a client are, those that are wanted by what is found of them."""
    wanted = {one.job: state(one, facts, health) for one in facts.captures}
    return [
        structs.replace(
            wanted.get(one.job) or State(job=one.job, condition=STOPPING if one.ends else IDLE),
            revision=one.revision,
            total=one.total,
            rate=one.rate,
        )
        for one in applied
    ]


def host(facts: ClientFacts) -> Host:
    """Return how the client's machine is; of the budget, what is spent of each limit."""
    budget: dict[str, Any] = {
        one.name: {"spent": one.spent, "limit": one.limit, "until": _moment(one.until)}
        for one in facts.limits
    }
    return Host(
        disk_free=facts.disk_free,
        disk_size=facts.disk_size,
        disk_daily=None if facts.disk_daily is None else round(facts.disk_daily),
        memory=facts.memory,
        cpu=facts.cpu,
        clock_offset=facts.clock_offset,
        budget=budget or None,
        post_price=facts.post_price,
    )


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a Report, which has those of its parts."""
    [whole], components = schemas([Report])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The health of a client of tcc",
        **whole,
        "$defs": components,
    }


def _found(finding: Finding) -> ReportedFinding:
    return ReportedFinding(
        code=finding.code,
        level=finding.level,
        what=storable(finding.what),
        cure=finding.cure,
        since=_moment(finding.since),
        job=finding.job,
    )


def _condition(code: str) -> str:
    """Return a word that others take as a condition; a ledger may have any as a gap's cause."""
    return code if re.fullmatch("[a-z][a-z_-]{0,31}", code) else OTHER


def _moment(seconds: float | None) -> datetime | None:
    """Return epoch seconds as a moment, to the millisecond."""
    return None if seconds is None else datetime.fromtimestamp(round(seconds, 3), UTC)
