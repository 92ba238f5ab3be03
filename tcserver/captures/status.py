"""
The status of a capture, by what people want and what its client has answered.  Pure.

Neither of the two can undo the other: a late answer of a client does not take back a Stop, and an
edit does not take back an answer.
"""

from django.db import models

from tcclient.control.jobs import Status

CAPTURING = frozenset(
    {"ok", "budget_nearly", "clock", "disk_nearly_full"}
    | {"quiet", "server", "terms_lacking", "terms_refused", "unsynced"}
)
"""The conditions in which posts are captured: see docs/health.md."""


class Wanted(models.TextChoices):
    """What people want of a capture."""

    NOTHING = "nothing"
    RUN = "run"
    STOP = "stop"


def status_of(wanted: str, answer: int | None) -> Status:
    """Return the status; `answer` is what its client has written since the last Start or Stop."""
    if wanted == Wanted.RUN:
        return Status.STARTED if answer == Status.STARTED else Status.STARTING
    if wanted == Wanted.STOP:
        return Status.STOPPED if answer == Status.STOPPED else Status.STOPPING
    return Status.CREATED


def wanted_by(status: int) -> Wanted | None:
    """Return what a person wants who writes this status; None if it says nothing."""
    if status in (Status.STARTING, Status.STARTED):
        return Wanted.RUN
    return Wanted.STOP if status in (Status.STOPPING, Status.STOPPED) else None
