"""
The door by which sockets of clients come in: one after the other, and never many in a second.

After a restart all of them come, and each is a session to begin and captures to tell of, beside
the requests of everybody else.  Knows the pace; knows no socket.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from tcserver.live.allowance import Allowance
from tcserver.live.closing import HungUp

AT_ONCE, A_SECOND = 5.0, 25.0
"""
Sockets that come in without waiting, and in each second in the long run: 30 at most within any one
second, in a process.
"""


class Door:
    """A row of those who wait for their turn, the first one first; begun on an event loop."""

    def __init__(self) -> None:
        self._pace = Allowance(AT_ONCE, A_SECOND)
        self._row = asyncio.Lock()
        self._over = asyncio.Event()

    async def let_in(self, receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        """
        Return when it is the turn of a socket from which nothing else than its end can come before.
        Raises HungUp if that does.
        """
        turn, end = asyncio.ensure_future(self._turn()), asyncio.ensure_future(receive())
        try:
            await asyncio.wait((turn, end), return_when=asyncio.FIRST_COMPLETED)
            if end.done():
                raise HungUp(end.result().get("code") or 1006)
        finally:
            turn.cancel()
            end.cancel()
            await asyncio.gather(turn, end, return_exceptions=True)

    async def _turn(self) -> None:
        clock = asyncio.get_running_loop().time
        async with self._row:
            while not self._pace.takes(1, clock()):
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pace.wait(1, clock())):
                        await self._over.wait()
                        return

    def end(self) -> None:
        """Let all in who wait: they are told to come back."""
        self._over.set()
