"""
The calls of a capture server that takes states, hosts and ledgers, one method for each.

Knows their addresses and answers; does not know when something is told, nor what.
"""

from collections.abc import Sequence

import msgspec
from twisted.internet.defer import DeferredLock

from tcclient.control.answers import Answer, ServerError
from tcclient.control.exchange import ServerExchange
from tcclient.control.reports import Glimpses, Held, Host, State

AT_ONCE = 100
"""States that are told together: the server takes 1,000, and bounds the size of what is sent."""


class Lacking(ServerError):
    """Raised where the server does not have the endpoint, as an older one that was put back."""


class ReportCalls:
    """
    Tells a server, one request after the other.  Each method raises Lacking, and ServerError where
    the server does not take what it is told, or says nothing clear.
    """

    def __init__(self, exchange: ServerExchange) -> None:
        self._exchange = exchange
        self._turn = DeferredLock()

    async def states(self, states: Sequence[State]) -> None:
        """Tell how captures are doing; what is not this client's by now the server passes over."""
        for first in range(0, len(states), AT_ONCE):
            some = list(states[first : first + AT_ONCE])
            await self._ask("PUT", "state/", msgspec.to_builtins(some))

    async def host(self, host: Host) -> None:
        """Tell how the machine is doing."""
        await self._ask("PUT", "host/", msgspec.to_builtins(host))

    async def glimpses(self, told: Glimpses) -> None:
        """Show the newest posts of a capture."""
        await self._ask("PUT", "glimpses/", msgspec.to_builtins(told))

    async def held(self, ledger: str) -> Held:
        """Return what the server holds of a ledger: nothing of one that it does not know."""
        return _held(ledger, await self._ask("GET", f"ledger/{ledger}/"))

    async def append(self, ledger: str, job: int | None, offset: int, data: bytes) -> int:
        """
        Send bytes of the ledger of a job, None for that of no capture.  Return how many bytes are
        held then: not these, where bytes before `offset` are missing.
        """
        of_job = "" if job is None else f"&job={job}"
        path = f"ledger/{ledger}/?offset={offset}{of_job}"
        return _held(ledger, await self._ask("PUT", path, data, 409)).held

    async def _ask(
        self, method: str, path: str, content: object = None, also: int | None = None
    ) -> Answer:
        """Return the answer, if it has a status of success, or the one that is allowed `also`."""
        async with self._turn:
            answer = await self._exchange.ask(method, path, content)
        if answer.status not in (200, 204, also):
            if answer.means_no_such_endpoint:
                raise Lacking("it does not take them any more", answer.status, refused=True)
            raise answer.error()
        return answer


def _held(ledger: str, answer: Answer) -> Held:
    """Return what an answer has as held.  Raises ServerError if it is about something else."""
    try:
        held = msgspec.json.decode(answer.body, type=Held)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise answer.error() from None
    if held.ledger != ledger:
        raise ServerError("the answer is about another ledger", answer.status)
    return held
