"""Until when a server is not asked for something again that it has not done.  Pure."""

from tcclient.control.answers import ServerError
from tcclient.control.reportcalls import Lacking
from tcclient.runtime.backoff import Ramp

RAMP = Ramp(5.0, 300.0)
AS_GONE = 600.0
"""Seconds after which an endpoint that is not there is looked for again."""


class EndpointRest:
    """How long one kind of call rests after it has failed; times are in seconds."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    def is_over(self, now: float) -> bool:
        """Return whether the call may be made."""
        return now >= self._until

    def failed(self, error: ServerError, now: float) -> None:
        """Note that the call has failed: the server says for how long it rests, or the ramp."""
        self._failures += 1
        wait = AS_GONE if isinstance(error, Lacking) else RAMP.wait(self._failures)
        self._until = now + max(wait, error.retry_after or 0.0)

    def succeeded(self) -> None:
        """Note that the call was answered as it should be."""
        self._failures = 0

    def end(self) -> None:
        """Let the call be made: it goes another way."""
        self._failures, self._until = 0, 0.0
