"""To delete a capture, which hides it: what was captured and its history are kept."""

from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.archive import stopped_at_once
from tcserver.captures.services.rows import locked, write
from tcserver.history.acts import Act, Party


def delete(capture_id: int, act: Act) -> CaptureRecord:
    """Mark it, and stop it at once.  Raises NotFound."""
    with locked(capture_id) as capture:
        if capture.deleted_at is None:
            by = act.number if act.party == Party.PERSON else None
            gone = {"deleted_at": act.at, "deleted_by_id": by}
            write(capture, act, "deleted", **gone, **stopped_at_once(capture, act))
        return capture
