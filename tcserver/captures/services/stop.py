"""To ask for a capture to end."""

from tcclient.control.jobs import Status
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.rows import locked, write
from tcserver.captures.status import Wanted
from tcserver.history.acts import Act


def stop(capture_id: int, act: Act) -> CaptureRecord:
    """
    Want it to end; the client's answer is awaited, where there is a client.  Nothing changes where
    it is not wanted.  Raises NotFound.
    """
    with locked(capture_id) as capture:
        if capture.wanted == Wanted.RUN:
            alone = capture.client_id is None
            times = {"stopped_at": act.at} if alone else {}
            answer = Status.STOPPED if alone else None
            write(capture, act, "stopped", wanted=Wanted.STOP, answer=answer, **times)
        return capture
