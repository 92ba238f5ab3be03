"""To take over a capture as another server had it."""

from typing import Any

from tcclient.control.jobs import Status
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.create import note_assignment
from tcserver.captures.status import Wanted
from tcserver.fleet.models import Client
from tcserver.hints import hint_capture
from tcserver.history.acts import Act


def adopt(project: int, name: str, status: int, act: Act, **columns: Any) -> CaptureRecord:
    """
    Make a capture with columns as they were elsewhere, and with its number if `id` is given.  What
    ran there is to be run: its client is asked anew.  History is the caller's.
    """
    away = columns.get("archived_at") or columns.get("deleted_at")
    wanted, answer = _wish(status, bool(away), columns.get("client"))
    if away and not columns.get("stopped_at"):
        columns["stopped_at"] = away
    capture = CaptureRecord.objects.create(
        project_id=project,
        name=name,
        wanted=wanted,
        answer=answer,
        **{**columns, "created_at": columns.get("created_at") or act.at, "modified_at": act.at},
    )
    if capture.client_id is not None:
        note_assignment(capture, capture.client_id, act)
    hint_capture(capture.pk, capture.client_id)
    return capture


def _wish(status: int, away: bool, client: Client | None) -> tuple[Wanted, int | None]:
    """Return what is wanted of a capture that had this status, and what was answered to that."""
    if away or status == Status.STOPPED or (status == Status.STOPPING and client is None):
        return Wanted.STOP, Status.STOPPED
    if status == Status.STOPPING:
        return Wanted.STOP, None
    if status in (Status.STARTING, Status.STARTED):
        return Wanted.RUN, None
    return Wanted.NOTHING, None
