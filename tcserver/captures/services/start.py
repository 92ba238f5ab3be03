"""To ask for a capture to run."""

from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.rows import Refused, locked, write
from tcserver.captures.status import Wanted
from tcserver.history.acts import Act


def start(capture_id: int, act: Act) -> CaptureRecord:
    """
    Want it to run; what the client has answered before no longer counts.  Nothing changes where it
    is wanted already.  Raises NotFound, and Refused for one that is archived.
    """
    with locked(capture_id) as capture:
        if capture.put_away:
            raise Refused(
                "An archived capture cannot be started: take it out of the archive first."
            )
        if capture.wanted != Wanted.RUN:
            write(capture, act, "started", wanted=Wanted.RUN, answer=None)
        return capture
