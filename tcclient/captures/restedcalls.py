"""Calls that tell the server something: what it fails at is left alone for a while."""

from collections import Counter
from collections.abc import Awaitable, Callable

from twisted.internet.interfaces import IReactorTime

from tcclient.captures.serverlog import ServerLog
from tcclient.control.answers import ServerError
from tcclient.control.reportcalls import Lacking
from tcclient.runtime.backoff import Ramp

RAMP = Ramp(5.0, 300.0)
AS_GONE = 600.0
"""Seconds after which an endpoint that is not there is looked for again."""


class RestedCalls:
    """Makes calls, each of which has a name that the log says: what the server does there."""

    def __init__(self, clock: IReactorTime, server_log: ServerLog) -> None:
        self._clock, self._server_log = clock, server_log
        self._failures = Counter[str]()
        self._until: dict[str, float] = {}

    async def make(self, doing: str, call: Callable[[], Awaitable[None]]) -> bool:
        """
        Return whether the server takes it.  After a failure it is not asked for as long as the
        server says, or the ramp.
        """
        if self._clock.seconds() < self._until.get(doing, 0.0):
            return False
        try:
            await call()
        except ServerError as e:
            self._failures[doing] += 1
            wait = AS_GONE if isinstance(e, Lacking) else RAMP.wait(self._failures[doing])
            self._until[doing] = self._clock.seconds() + max(wait, e.retry_after or 0.0)
            self._server_log.failed(doing, str(e))
            return False
        self._failures[doing] = 0
        self._server_log.succeeded(doing)
        return True

    def end_rests(self) -> None:
        """Ask for everything again: it goes another way."""
        self._failures.clear()
        self._until.clear()
