"""
Which conditions of clients and captures are bad, how bad, and the words for it.  Pure.

Knows what clients reported, as facts; does not know who is told, nor what was told before.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import attrs

from tcclient.health.health import Level
from tcclient.health.judgement import DAYS
from tcclient.ledger.wording import length, number
from tcserver.alerts.reported import CREDENTIALS, LEFT_OUT, STREAM_OPEN, UNWELL, spent
from tcserver.fleet.liveness import Liveness, liveness

CLOCK = 30.0
"""Seconds by which a clock may be off, as clients themselves judge it."""
LEAST_FREE, NONE_FREE = 1 << 30, 100 << 20
"""Bytes: of a disk that is nearly full, and of one that is full in a moment."""
SHARE_FREE = 0.05
STALE = timedelta(minutes=15)
"""A client tells everything again each ten minutes; what is older says nothing of the present."""
TWICE = timedelta(minutes=10)
"""For how long two clients with one token are believed in after they were seen."""
FEW = 0.2
"""The share of the usual posts below which there are few."""
ENOUGH = 60
"""Posts in the usual hour, below which fewer are no wonder."""


class AlertKind(StrEnum):
    """What may be wrong; there is one alert of a kind for each client or capture."""

    CLIENT = "client"
    DISK = "disk"
    CLOCK = "clock"
    BUDGET = "budget"
    TWICE = "twice"
    RUNNING = "running"
    GAP = "gap"
    RATE = "rate"
    CREDENTIALS = "credentials"
    KEYWORDS = "keywords"
    HEALTH = "health"


WORDS: Mapping[str, str] = {
    AlertKind.CLIENT: "the client is silent",
    AlertKind.DISK: "the disk is nearly full",
    AlertKind.CLOCK: "the clock is off",
    AlertKind.BUDGET: "the budget is nearly spent",
    AlertKind.TWICE: "two clients use one token",
    AlertKind.RUNNING: "the capture does not run",
    AlertKind.GAP: "posts are missing",
    AlertKind.RATE: "few posts come",
    AlertKind.CREDENTIALS: "the credentials are refused",
    AlertKind.KEYWORDS: "keywords are refused",
    AlertKind.HEALTH: "the client says that it is not well",
}


@attrs.frozen
class ClientNow:
    """A client as it last reported itself; so many wanted captures are `waiting` for it."""

    number: int
    name: str
    contact_at: datetime | None
    host_at: datetime | None = None
    disk_free: int | None = None
    disk_size: int | None = None
    clock_offset: float | None = None
    budget: Any = None
    twice_at: datetime | None = None
    waiting: int = 0
    disk_daily: int | None = None


@attrs.frozen
class CaptureNow:
    """
    A capture that is wanted, as its client last reported it.

    `gap` is how long its last gap was that is over, in seconds, and why; `posts` came in the last
    full hour, and `usual` in the same hour of the weeks before, None where that says nothing.
    `retired` names the client that it had, which comes no more: then it has no `client`.
    """

    number: int
    name: str
    client: ClientNow | None
    answered: bool
    condition: str = ""
    reason: str = ""
    since: datetime | None = None
    state_at: datetime | None = None
    gap: tuple[float, str] | None = None
    posts: int = 0
    usual: int | None = None
    retired: str = ""


@attrs.frozen
class AlertVerdict:
    """
    How a subject ("client" or "capture") is in one respect, and why; `state` None: nobody can know,
    and the reason, if there is one, says why not.
    """

    kind: AlertKind
    subject: str
    number: int
    name: str
    state: Level | None
    reason: str = ""

    @property
    def key(self) -> str:
        """What the alert is found by."""
        return f"{self.kind}:{self.subject}:{self.number}"


def of_client(client: ClientNow, now: datetime) -> Iterator[AlertVerdict]:
    """Yield how a client is.  What one that is silent said of its machine is not known any more."""
    alive = liveness(client.contact_at, now)
    known = alive == Liveness.HERE and client.host_at is not None and now - client.host_at < STALE

    def verdict(kind: AlertKind, found: tuple[Level, str] | None) -> AlertVerdict:
        state, reason = found or (Level.OK, "")
        return AlertVerdict(kind, "client", client.number, client.name, state, reason)

    yield verdict(AlertKind.CLIENT, _silence(client, alive))
    for kind, found in (
        (AlertKind.DISK, _disk(client)),
        (AlertKind.CLOCK, _clock(client)),
        (AlertKind.BUDGET, _budget(client, now)),
        (AlertKind.TWICE, _twice(client, now)),
    ):
        yield verdict(kind, found) if known else attrs.evolve(verdict(kind, None), state=None)


def of_capture(capture: CaptureNow, longest: timedelta, now: datetime) -> Iterator[AlertVerdict]:
    """
    Yield how a capture is that is wanted; a gap that is longer than `longest` is one too many.

    Where its client is silent nothing is known but that, which the client's own alert says; where
    it is retired, that is why nothing more will be known.
    """
    why_unknown = _retired(capture) if capture.retired else ""
    alive = Liveness.NEVER if capture.client is None else liveness(capture.client.contact_at, now)
    silent = alive in (Liveness.LATE, Liveness.LOST)
    told = capture.state_at is not None and now - capture.state_at < STALE
    for kind, found in _of_capture(capture, longest, now):
        state, reason = found or (Level.OK, "")
        needed = not silent and (told or kind in (AlertKind.RUNNING, AlertKind.RATE))
        known = (needed and alive != Liveness.NEVER) or (kind == AlertKind.RUNNING and not silent)
        verdict = (state, reason) if known else (None, why_unknown)
        yield AlertVerdict(kind, "capture", capture.number, capture.name, *verdict)


def _of_capture(
    capture: CaptureNow, longest: timedelta, now: datetime
) -> Iterator[tuple[AlertKind, tuple[Level, str] | None]]:
    refused = CREDENTIALS.search(capture.reason) is not None
    yield AlertKind.RUNNING, _running(capture)
    yield AlertKind.GAP, _past_gap(capture, longest) if refused else _gap(capture, longest, now)
    yield AlertKind.RATE, _rate(capture)
    yield AlertKind.CREDENTIALS, (Level.DOWN, capture.reason) if refused else None
    is_left_out = capture.condition in LEFT_OUT
    yield AlertKind.KEYWORDS, (Level.DEGRADED, capture.reason) if is_left_out else None
    bad = UNWELL.get(capture.condition)
    yield AlertKind.HEALTH, (Level(bad), capture.reason) if bad else None


def _silence(client: ClientNow, alive: Liveness) -> tuple[Level, str] | None:
    if alive in (Liveness.HERE, Liveness.NEVER):
        return None  # that one has never come is said of each capture that it is to run
    # Not their names: whoever may see the client may not see all of its captures.
    count = client.waiting
    waiting = f" {number(count, 'capture waits', 'captures wait')} for it." if count else ""
    said = f"{client.name} has not been heard of since {client.contact_at:%Y-%m-%d %H:%M:%S} UTC."
    return Level.DOWN if alive == Liveness.LOST else Level.DEGRADED, said + waiting


def _disk(client: ClientNow) -> tuple[Level, str] | None:
    free, size, daily = client.disk_free, client.disk_size or 0, client.disk_daily or 0
    if free is None or (free >= max(LEAST_FREE, SHARE_FREE * size) and free >= DAYS * daily):
        return None
    lasts = f", enough for {length(free / daily * 86_400)} at the last day's rate" if daily else ""
    said = f"{free / 1e9:.1f} GB are left on the disk of {client.name}{lasts}. Make room."
    return Level.DOWN if free < NONE_FREE else Level.DEGRADED, said


def _clock(client: ClientNow) -> tuple[Level, str] | None:
    offset = client.clock_offset
    if offset is None or abs(offset) <= CLOCK:
        return None
    side = "ahead of" if offset > 0 else "behind"
    return (
        Level.DEGRADED,
        f"The clock of {client.name} is {length(abs(offset))} {side} the server's. Set it.",
    )


def _budget(client: ClientNow, now: datetime) -> tuple[Level, str] | None:
    worst = max(spent(client.budget, now), default=None)
    if worst is None or worst.share < 0.8:
        return None
    said = f"{worst.share:.0%} of the budget of the {worst.name} of {client.name} is spent."
    return Level.DOWN if worst.share >= 1 else Level.DEGRADED, said


def _twice(client: ClientNow, now: datetime) -> tuple[Level, str] | None:
    if client.twice_at is None or now - client.twice_at >= TWICE:
        return None
    said = f"Two clients come with the tokens of {client.name}: give each its own, or end one."
    return Level.DOWN, said


def _running(capture: CaptureNow) -> tuple[Level, str] | None:
    name = repr(capture.name)
    if capture.retired:
        return Level.DOWN, _retired(capture)
    if capture.client is None:
        return Level.DOWN, f"{name} is wanted, and no client has it: assign one."
    if capture.client.contact_at is None:
        return Level.DOWN, f"{name} waits for {capture.client.name}, which has never come."
    if capture.condition == "not_run":
        return Level.DOWN, capture.reason or f"{name} is wanted and does not run."
    if not capture.answered:
        why = f" It says: {capture.reason}" if capture.reason else ""
        return Level.DOWN, f"{capture.client.name} has not started {name}.{why}"
    return None


def _retired(capture: CaptureNow) -> str:
    said = f"{capture.name!r} is wanted, and {capture.retired} is retired: give it to another"
    return f"{said} client, or archive it."


def _gap(capture: CaptureNow, longest: timedelta, now: datetime) -> tuple[Level, str] | None:
    if capture.condition not in STREAM_OPEN and capture.since is not None:
        lasted = now - capture.since
        if lasted > longest:
            return Level.DOWN, capture.reason or f"{capture.name!r} has no stream."
    return _past_gap(capture, longest)


def _past_gap(capture: CaptureNow, longest: timedelta) -> tuple[Level, str] | None:
    if capture.gap is not None and capture.gap[0] > longest.total_seconds():
        seconds, cause = capture.gap
        return Level.DOWN, f"{capture.name!r} lacks {length(seconds)} of posts: {cause}."
    return None


def _rate(capture: CaptureNow) -> tuple[Level, str] | None:
    if capture.usual is None or capture.usual < ENOUGH or capture.posts >= FEW * capture.usual:
        return None
    return (
        Level.DEGRADED,
        f"{capture.name!r} got {capture.posts:,} posts in the last full hour, and in the same hour "
        f"of the weeks before {capture.usual:,}. See whether the keywords still match.",
    )
