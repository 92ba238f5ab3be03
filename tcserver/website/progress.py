"""How far the newest wish about a capture has come: asked, acknowledged, done.  Pure."""

from collections.abc import Iterator
from datetime import datetime

import attrs

from tcclient.control.jobs import Status
from tcserver.captures.models import CaptureRecord
from tcserver.captures.status import Wanted
from tcserver.history.models import HistoryEntry

WISHES = ("created", "started", "stopped", "re-keyed", "edited", "assigned", "unarchived")
"""The acts by which people say what they want of a capture."""

NOT_YET = "not yet"


@attrs.frozen
class ProgressStep:
    """A step on the way of a wish: whether it is done, when, and what more there is to say."""

    word: str
    done: bool
    at: datetime | None = None
    words: str = ""


def steps_of(
    capture: CaptureRecord,
    wish: HistoryEntry | None,
    answer: HistoryEntry | None,
    *,
    posts_come: bool,
) -> Iterator[ProgressStep]:
    """
    Yield the steps of a capture that is wanted to run, or was; `wish` is the newest one, and
    `answer` its client's newest change of the status.  Where no posts come it does not run.
    """
    if capture.wanted == Wanted.NOTHING or capture.archived_at is not None:
        return
    runs = capture.wanted == Wanted.RUN
    if wish is not None:
        yield ProgressStep("Asked", True, wish.at, f"{wish.act} by {wish.party_name}")
    answered = capture.status in (Status.STARTED, Status.STOPPED)
    applied = capture.applied_revision
    if answered and applied is not None and applied < capture.revision:
        said = f"{NOT_YET}: the newest change is not in force"
        yield ProgressStep("Acknowledged", False, None, said)
    else:
        at = answer.at if answered and answer is not None else None
        at = max(at, wish.at) if at is not None and wish is not None else at
        yield ProgressStep("Acknowledged", answered, at, "" if answered else NOT_YET)
    if runs and answered and not posts_come:
        yield ProgressStep("Running", False, None, "not now")
        return
    word, since = ("Running", capture.running_since) if runs else ("Stopped", capture.stopped_at)
    yield ProgressStep(word, answered, since if answered else None, "" if answered else NOT_YET)
