"""
What pages say of captures: words with a shape, never a colour alone.  Pure.

Knows states and times; knows no templates.
"""

from datetime import datetime

import attrs

from tcclient.control.jobs import Status
from tcserver.captures.models import CaptureRecord
from tcserver.captures.status import CAPTURING
from tcserver.fleet.liveness import Liveness, liveness
from tcserver.fleet.models import Client

MINUTE = "%Y-%m-%d %H:%M"
NOT_ANSWERED = "has not answered yet"


@attrs.frozen
class Shown:
    """A state: its style, its word, the reason, which may be empty, and since when."""

    style: str
    word: str
    reason: str = ""
    since: datetime | None = None

    @property
    def needs_attention(self) -> bool:
        """Whether a person should look at it."""
        return self.style in ("bad", "busy")


def state_of(capture: CaptureRecord, contact: datetime | None, now: datetime) -> Shown:
    """Return how a capture is doing; `contact` is when its client was last heard of."""
    if capture.archived_at is not None:
        return Shown("away", "archived", since=capture.archived_at)
    status = capture.status
    if status in (Status.CREATED, Status.STOPPED):
        word = "not started" if status == Status.CREATED else "stopped"
        since = None if status == Status.CREATED else capture.stopped_at
        begin = capture.planned_start
        return Shown("idle", word, "" if begin is None else f"starts {begin:{MINUTE}} UTC", since)
    if capture.client is None:
        return Shown("bad", "waiting", "no client has this capture: assign one")
    return _awaited(capture, capture.client, liveness(contact, now), contact)


def _awaited(
    capture: CaptureRecord, client: Client, alive: Liveness, contact: datetime | None
) -> Shown:
    """Return the state of a capture that its client is to run, or to stop."""
    name, status = client.name, capture.status
    if client.retired_at is not None:
        # Nothing that it says is taken any more, so that nothing newer will ever be known.
        word = "stopping" if status == Status.STOPPING else "waiting"
        said = f"{name} is retired: give this capture to another client"
        return Shown("bad", word, f"{said}, or archive it", client.retired_at)
    if alive == Liveness.LOST:
        return Shown("bad", "unknown", f"{name} has not been heard of", contact)
    if status == Status.STOPPING:
        never = f"{name} has never asked for its captures"
        return Shown("busy", "stopping", never if contact is None else f"{name} {NOT_ANSWERED}")
    if alive == Liveness.NEVER:
        return Shown("bad", "waiting", f"{name} has never asked for its captures: start it")
    if status == Status.STARTING:
        return Shown("busy", "starting", capture.reason or f"{name} {NOT_ANSWERED}")
    if alive == Liveness.LATE and _is_well(capture):
        return Shown("busy", "running", f"{name} is late", contact)
    return _running(capture)


def _is_well(capture: CaptureRecord) -> bool:
    return capture.condition in ("", "ok")


def _running(capture: CaptureRecord) -> Shown:
    """Return the state of a capture that its client has begun."""
    if _is_well(capture):
        return Shown("good", "running", since=capture.running_since)
    runs = capture.condition in CAPTURING
    style, word = ("busy", "running") if runs else ("bad", "waiting")
    reason = capture.reason or capture.condition.replace("_", " ")
    return Shown(style, word, reason, capture.condition_since)


def rough(seconds: float) -> str:
    """Return a length of time in its largest unit, rounded down: "3 min"; never below 0 s."""
    rest = max(0, int(seconds))
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if rest >= size:
            return f"{rest // size} {unit}"
    return f"{rest} s"


def rate_of(capture: CaptureRecord) -> str:
    """Return posts a second in words; "" where there is nothing to say."""
    if capture.rate is None or capture.put_away:
        return ""
    rate = 0 if capture.status == Status.STOPPED else capture.rate
    return f"{rate / 1000:,.1f} a second"
