"""
The sockets of clients in this process: they are looked after by turns of one loop, and beat by
another.

A hint makes the look at its client come at once; each few seconds all are looked at without any.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from django.db import Error as AnyDatabaseError

from tcclient.push.messages import BEAT as BEAT_EVERY
from tcclient.push.messages import LookMessage
from tcserver.fleet.services.sessions import keep_sessions
from tcserver.hints import looked_at, of_client
from tcserver.live.clientsocket import ClientSocket
from tcserver.live.closing import Closing, come_back
from tcserver.live.desk import Desk, look
from tcserver.live.line import BEAT, HintLine

LOOK = 3.0
"""Seconds after which all are looked at, whatever was heard."""
OLDEST = 23 * 3600.0
"""Seconds that a socket lives at least, unless something is wrong, and an hour more at most."""


class ClientSockets:
    """The sockets that have a session; more than one of a client's for moments only."""

    def __init__(self, desk: Desk, line: HintLine) -> None:
        self._desk, self._line = desk, line
        self._sockets: dict[str, set[ClientSocket]] = {}
        self._hinted: set[str] = set()
        self._beating: set[str] = set()
        self._looked_at: set[tuple[str, int]] = set()
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(some) for some in self._sockets.values())

    async def enter(self, socket: ClientSocket) -> None:
        """Look after a socket."""
        topic = of_client(socket.client)
        self._sockets.setdefault(topic, set()).add(socket)
        await self._line.join(topic)
        self.heard("", topic)

    async def leave(self, socket: ClientSocket) -> None:
        """Look after it no more."""
        topic = of_client(socket.client)
        some = self._sockets.get(topic, set())
        some.discard(socket)
        if not some and self._sockets.pop(topic, None) is not None:
            await self._line.leave(topic)

    def heard(self, kind: str, topic: str) -> None:
        """Look at a client soon, have its sockets beat, or tell them that somebody looks."""
        look = looked_at(topic)
        if look is not None:
            if look[0] in self._sockets:
                self._looked_at.add(look)
                self._wake.set()
            return
        if topic not in self._sockets:
            return
        if kind == BEAT:
            self._beating.add(topic)
        else:
            self._hinted.add(topic)
        self._wake.set()

    def close(self, closing: Callable[[], Closing]) -> None:
        """Close all."""
        for socket in self._all():
            socket.close(closing())

    async def run(self) -> None:
        """Look after them until this is cancelled."""
        await asyncio.gather(self._look_always(), self._beat_always())

    async def _look_always(self) -> None:
        clock = asyncio.get_running_loop().time
        last = clock()
        while True:
            try:
                async with asyncio.timeout(max(0.0, last + LOOK - clock())):
                    await self._wake.wait()
            except TimeoutError:
                last = clock()
                await self._look(self._all())
                continue
            self._wake.clear()
            hinted, self._hinted = self._hinted, set()
            beating, self._beating = self._beating, set()
            for socket in self._of(beating):
                await socket.beat()
            looks, self._looked_at = self._looked_at, set()
            for client, capture in looks:
                for socket in self._of([client]):
                    await socket.say(LookMessage(capture))
            await self._look(self._of(hinted))

    async def _look(self, sockets: list[ClientSocket]) -> None:
        if not sockets:
            return
        try:
            found = await self._desk.do(look, [one.here for one in sockets])
        except AnyDatabaseError:
            return  # the next look comes by itself; whoever writes is told
        for socket, seen in zip(sockets, found, strict=True):
            await socket.see(seen)

    async def _beat_always(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(BEAT_EVERY)
            sockets = self._all()
            for topic in tuple(self._sockets):
                await self._line.join(topic)
                self._line.beat(topic)
            for socket in sockets:
                if clock() - socket.opened > OLDEST + random.uniform(0, 3600):
                    socket.close(come_back("The socket has reached its age.", 1))
            await self._keep(sockets)

    async def _keep(self, sockets: list[ClientSocket]) -> None:
        try:
            kept = [one.kept for one in sockets]
            await self._desk.do(keep_sessions, kept, datetime.now(UTC))
        except AnyDatabaseError:
            return  # a term is longer than two beats

    def _of(self, topics: Iterable[str]) -> list[ClientSocket]:
        return [one for topic in topics for one in self._sockets.get(topic, ())]

    def _all(self) -> list[ClientSocket]:
        return self._of(tuple(self._sockets))
