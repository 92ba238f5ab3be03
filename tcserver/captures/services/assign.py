"""To give a capture to another client, or to none."""

from typing import Any

from tcclient.control.jobs import Status
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.create import client_for, note_assignment
from tcserver.captures.services.rows import locked, write
from tcserver.captures.status import Wanted
from tcserver.history.acts import Act


def assign(capture_id: int, client: int | None, act: Act) -> CaptureRecord:
    """
    Give it to a client that serves its project.  The one that had it may go on sending what it has
    captured; whether the new one runs it is asked anew.  Raises NotFound and InvalidValues.
    """
    with locked(capture_id) as capture:
        if capture.client_id == client:
            return capture
        found = None if client is None else client_for(capture.project_id, client)
        write(capture, act, "assigned", client=found, **_answer(capture, client, act))
        if found is not None:
            note_assignment(capture, found.pk, act)
        return capture


def _answer(capture: CaptureRecord, client: int | None, act: Act) -> dict[str, Any]:
    """Return the columns of an answer that the next client has not given yet."""
    if capture.status == Status.STOPPED:
        return {}
    if capture.wanted == Wanted.STOP and client is None:
        return {"answer": Status.STOPPED, "stopped_at": act.at}
    return {"answer": None, "applied_revision": None, "condition": "", "reason": ""}
