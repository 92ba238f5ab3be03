"""
What pages say of captures and clients: words with a shape, never a colour alone.  Pure.

Knows states and times; knows no templates.
"""

from datetime import datetime

import attrs

from tcclient.control.jobs import Status
from tcserver.captures.models import CaptureRecord
from tcserver.fleet.liveness import Liveness, liveness


@attrs.frozen
class Shown:
    """A state: the style that it is drawn in, its word, and the reason, which may be empty."""

    style: str
    word: str
    reason: str = ""


def state_of(capture: CaptureRecord, contact: datetime | None, now: datetime) -> Shown:
    """Return how a capture is doing; `contact` is when its client was last heard of."""
    if capture.archived_at is not None:
        return Shown("away", "archived")
    status = capture.status
    if status == Status.CREATED:
        return Shown("idle", "not started")
    if status == Status.STOPPED:
        return Shown("idle", "stopped")
    if capture.client is None:
        return Shown("bad", "waiting", "no client has this capture: assign one")
    name, alive = capture.client.name, liveness(contact, now)
    if alive == Liveness.NEVER:
        return Shown("bad", "waiting", f"{name} has never asked for its captures: start it")
    if alive == Liveness.LOST:
        return Shown(
            "bad", "unknown", f"{name} has not been heard of since {contact:%d %b %H:%M} UTC"
        )
    if status == Status.STOPPING:
        return Shown("busy", "stopping", f"{name} is told at its next poll")
    if status == Status.STARTING:
        return Shown("busy", "starting", capture.reason or f"{name} is told at its next poll")
    if capture.condition and capture.reason:
        return Shown("busy", capture.condition, capture.reason)
    late = f"{name} is late" if alive == Liveness.LATE else ""
    return Shown("busy" if late else "good", "running", late)


def style_of(alive: Liveness) -> str:
    """Return the style that a client's liveness is drawn in."""
    return {
        Liveness.HERE: "good",
        Liveness.LATE: "busy",
        Liveness.LOST: "bad",
        Liveness.NEVER: "idle",
    }[alive]


def rate_of(capture: CaptureRecord) -> str:
    """Return posts a second in words; "" where there is nothing to say."""
    if capture.rate is None or capture.put_away:
        return ""
    rate = 0 if capture.status == Status.STOPPED else capture.rate
    return f"{rate / 1000:.1f} a second"
