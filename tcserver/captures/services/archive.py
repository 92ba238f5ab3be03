"""To put a capture away, and to take it out again."""

from typing import Any

from tcclient.control.jobs import Status
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.rows import locked, write
from tcserver.captures.status import Wanted
from tcserver.history.acts import Act, Party


def archive(capture_id: int, act: Act) -> CaptureRecord:
    """
    Put it away, which stops it at once: its client finds it gone.  Updates and ledgers are still
    taken.  Nothing changes where it is archived already.  Raises NotFound.
    """
    with locked(capture_id) as capture:
        if capture.archived_at is None:
            by = act.number if act.party == Party.PERSON else None
            away = {"archived_at": act.at, "archived_by_id": by}
            write(capture, act, "archived", **away, **stopped_at_once(capture, act))
        return capture


def unarchive(capture_id: int, act: Act) -> CaptureRecord:
    """Take it out of the archive; it stays stopped.  Raises NotFound."""
    with locked(capture_id) as capture:
        write(capture, act, "unarchived", archived_at=None)
        return capture


def stopped_at_once(capture: CaptureRecord, act: Act) -> dict[str, Any]:
    """Return the columns of a capture that nobody is asked to stop any more."""
    columns: dict[str, Any] = {"wanted": Wanted.STOP, "answer": Status.STOPPED}
    if capture.status != Status.STOPPED:
        columns["stopped_at"] = act.at
    return columns
