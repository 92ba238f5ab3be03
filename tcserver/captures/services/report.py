"""What a client reports of a capture that is its own now: numbers, and how far it has come."""

from typing import Any

from tcclient.control.jobs import Status
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.rows import (
    locked,
    must_be_newest,
    note_changes,
    picture,
    save,
)
from tcserver.captures.status import status_of
from tcserver.hints import hint, of_numbers
from tcserver.history.acts import Act
from tcserver.people.askers import NotFound
from tcserver.sql import write


def report(capture_id: int, client: int, columns: dict[str, Any], act: Act) -> None:
    """
    Write total, rate (in thousandths) and task, whichever are given, and that the client was here.
    What people want is not touched.  Raises NotFound if the capture is not this client's.
    """
    columns = {**columns, "ping_at": act.at, "modified_at": act.at}
    written = ", ".join(f"{column} = %s" for column in columns)
    own = "id = %s AND client_id = %s AND archived_at IS NULL AND deleted_at IS NULL"
    sql = f"UPDATE captures_capturerecord SET {written} WHERE {own}"
    if not write(sql, [*columns.values(), capture_id, client]):
        raise NotFound
    hint(of_numbers(capture_id))


def answer(
    capture_id: int,
    client: int,
    status: int,
    columns: dict[str, Any],
    act: Act,
    *,
    seen: int | None = None,
) -> CaptureRecord:
    """
    Write a report with a status: that it runs, or that it has ended.  Any other one is taken, and
    says nothing.  Return the capture as it is then.

    Raises NotFound if the capture is not this client's, and Outdated if the revision that the
    client has `seen` is not the newest.
    """
    with locked(capture_id) as capture:
        if capture.client_id != client or capture.put_away:
            raise NotFound
        if seen is not None:
            must_be_newest(capture, seen)
        before, was = picture(capture), capture.status
        answered = {"answer": status} if status in (Status.STARTED, Status.STOPPED) else {}
        columns = {**columns, **answered, "ping_at": act.at}
        now = status_of(capture.wanted, answered.get("answer", capture.answer))
        if now != was:
            columns |= _dates(capture, now, act)
        save(capture, act, **columns)
        if now != was:
            note_changes(capture, act, "answered", before)
        return capture


def _dates(capture: CaptureRecord, status: Status, act: Act) -> dict[str, Any]:
    """Return the dates that a new status brings."""
    if status == Status.STARTED:
        return {"started_at": act.at, "first_started_at": capture.first_started_at or act.at}
    return {"stopped_at": act.at} if status == Status.STOPPED else {}
