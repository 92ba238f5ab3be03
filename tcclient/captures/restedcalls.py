"""Calls that tell the server something: what it fails at is left alone for a while."""

from collections import defaultdict
from collections.abc import Awaitable, Callable

from twisted.internet.interfaces import IReactorTime

from tcclient.captures.serverlog import ServerLog
from tcclient.control.answers import ServerError
from tcclient.control.reportcalls import EndpointRest


class RestedCalls:
    """Makes calls, each of which has a name that the log says: what the server does there."""

    def __init__(self, clock: IReactorTime, server_log: ServerLog) -> None:
        self._clock, self._server_log = clock, server_log
        self._rests: defaultdict[str, EndpointRest] = defaultdict(EndpointRest)

    async def make(self, doing: str, call: Callable[[], Awaitable[None]]) -> bool:
        """Return whether the server takes it.  After a failure it is not asked for a while."""
        rest = self._rests[doing]
        if not rest.is_over(self._clock.seconds()):
            return False
        try:
            await call()
        except ServerError as e:
            rest.failed(e, self._clock.seconds())
            self._server_log.failed(doing, str(e))
            return False
        rest.succeeded()
        self._server_log.succeeded(doing)
        return True

    def end_rests(self) -> None:
        """Ask for everything again."""
        for rest in self._rests.values():
            rest.end()
