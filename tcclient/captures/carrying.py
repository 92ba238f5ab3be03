"""
How what a client tells its server travels: by the real-time channel where that carries it, and by
REST otherwise.

Knows both ways; does not know what is told.
"""

from collections.abc import Sequence

from tcclient.control.realtime import NotCarried, RealtimeChannel
from tcclient.control.reportcalls import ReportCalls
from tcclient.control.reports import Glimpses, Held, Host, State


class Carrying:
    """
    The calls of a server, by `channel` or by `rest`.  Each method raises ServerError as those of
    ReportCalls do.
    """

    def __init__(self, channel: RealtimeChannel, rest: ReportCalls) -> None:
        self._channel = channel
        self._rest = rest

    async def states(self, states: Sequence[State]) -> None:
        """Tell how captures are doing."""
        try:
            self._channel.states(states)
        except NotCarried:
            await self._rest.states(states)

    async def host(self, host: Host) -> None:
        """Tell how the machine is doing."""
        try:
            self._channel.host(host)
        except NotCarried:
            await self._rest.host(host)

    async def glimpses(self, told: Glimpses) -> None:
        """Show the newest posts of a capture."""
        try:
            self._channel.glimpses(told)
        except NotCarried:
            await self._rest.glimpses(told)

    async def held(self, ledger: str) -> Held:
        """Return what the server holds of a ledger; by REST, which says of which bytes."""
        return await self._rest.held(ledger)

    async def append(self, ledger: str, job: int | None, offset: int, data: bytes) -> int:
        """
        Send bytes of a ledger, or the first of them; return how many are held then.  What has gone
        by a channel that ended before the answer is sent again: by its offset it is known.
        """
        try:
            return await self._channel.append(ledger, job, offset, data)
        except NotCarried:
            return await self._rest.append(ledger, job, offset, data)
