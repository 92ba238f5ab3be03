"""
The sockets as an ASGI application, put together: which goes where, how it begins and how it ends.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import Error as AnyDatabaseError

from tcclient.push.messages import RESTART, SUBPROTOCOL, TOO_MUCH, WRONG_PROTOCOL
from tcserver.addresses import whence
from tcserver.fleet.services.sessions import number_of_sessions
from tcserver.hints import listen
from tcserver.live.allowance import Allowances
from tcserver.live.clients import ClientSockets
from tcserver.live.clientsocket import ClientSocket, Message, Receive, Send
from tcserver.live.closing import Closing, HungUp, come_back
from tcserver.live.desk import THREADS, Desk
from tcserver.live.door import Door
from tcserver.live.line import HintLine
from tcserver.live.metrics import CLOSES, SOCKETS
from tcserver.live.sites import BrowserSocket, BrowserSockets, is_own_origin, log_in
from tcserver.live.telling import WaitingStates
from tcserver.outages import UNAVAILABLE

log = logging.getLogger(__name__)

CLIENTS, BROWSERS = "/ws/client/", "/ws/site/"
MOST_BROWSERS = 1000
"""Pages with a socket in one process; a further one polls."""
BURST, RATE = 4000.0, 1500.0
"""Messages and KiB of a token at once, and in a second."""
OPENINGS, OPENING_RATE = 20.0, 0.5
"""Sockets of a token at once, and in a second."""


class Live:
    """Begins with the first socket, on the event loop that this is of."""

    def __init__(self) -> None:
        # Many ledgers that come at once are not in the way of states and hints.
        self._desk, of_all = self._desks = Desk(THREADS), Desk(THREADS)
        self._line = HintLine(self._heard)
        self._clients = ClientSockets(of_all, self._line)
        self._browsers = BrowserSockets(of_all, self._line)
        self._states = WaitingStates(of_all)
        self._allowances = Allowances(BURST, RATE)
        self._openings = Allowances(OPENINGS, OPENING_RATE)
        self._door = Door()
        loop = asyncio.get_running_loop()

        def hinted(topics: Collection[str]) -> None:
            loop.call_soon_threadsafe(self._line.hint, topics)

        self._end = listen(hinted)
        self._tasks = [
            asyncio.ensure_future(_for_ever(one.run))
            for one in (self._line, self._clients, self._browsers, self._states)
        ]
        self._serving: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one socket until its end."""
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        headers = dict(scope["headers"])
        await receive()
        if scope["path"] == CLIENTS:
            await self._client(scope, headers, receive, send)
        elif scope["path"] == BROWSERS and is_own_origin(headers):
            await self._browser(headers, receive, send)
        else:
            await send({"type": "websocket.close"})

    async def close(self) -> None:
        """Say goodbye to everybody, and be done with all of it."""
        if self._closing:
            return
        self._closing = True
        self._door.end()
        self._end()
        sessions = await self._sessions()
        self._clients.close(lambda: come_back("The server restarts.", sessions))
        self._browsers.close(Closing(RESTART, ""))
        with suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                await asyncio.gather(*self._serving, return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for desk in self._desks:
            desk.close()

    async def _sessions(self) -> int:
        """Return how many clients may come back at once, as processes restart together."""
        with suppress(AnyDatabaseError):
            return await self._desk.do(number_of_sessions, datetime.now(UTC))
        return len(self._clients)

    def _heard(self, kind: str, topic: str) -> None:
        self._clients.heard(kind, topic)
        self._browsers.heard(kind, topic)

    async def _client(
        self, scope: Message, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        offered = SUBPROTOCOL if SUBPROTOCOL in scope.get("subprotocols", ()) else None
        socket = ClientSocket(self._desk, self._states, offered, receive, send)
        text = _texts(headers)
        try:
            if offered is None:
                raise Closing(WRONG_PROTOCOL, f"The subprotocol here is {SUBPROTOCOL}.")
            self._must_go_on()
            address = whence(scope["client"][0], text("x-forwarded-for"), settings.TRUSTED_PROXIES)
            token = await socket.authenticate(text("authorization"), address, text("user-agent"))
            if not self._openings.of(token).takes(1, asyncio.get_running_loop().time()):
                raise Closing(TOO_MUCH, "This client connects too often.", 30.0)
            await self._door.let_in(receive)
            self._must_go_on()
            await socket.accept()
            await socket.greet()
            await self._clients.enter(socket)
            with SOCKETS.labels("client").track_inprogress():
                self._must_go_on()
                await socket.serve(self._allowances.of(token))
        except HungUp as e:
            await socket.gone(e.code)
        except Closing as e:
            CLOSES.labels(str(e.code)).inc()
            await socket.part(e)
        except UNAVAILABLE:
            CLOSES.labels(str(RESTART)).inc()
            await socket.part(come_back("The database is not available.", len(self._clients)))
        finally:
            await self._clients.leave(socket)

    async def _browser(self, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        socket = BrowserSocket(receive, send)
        try:
            self._must_go_on()
            if len(self._browsers) >= MOST_BROWSERS:
                raise Closing(TOO_MUCH, "")
            who = await self._desk.do(log_in, _texts(headers)("cookie"))
            socket.key, socket.user, socket.hash = who
            await socket.listen()
            await self._browsers.enter(socket)
            with SOCKETS.labels("browser").track_inprogress():
                self._must_go_on()
                await socket.serve()
        except HungUp:
            return
        except Closing as e:
            await send({"type": "websocket.close", "code": e.code})
        except UNAVAILABLE:
            await send({"type": "websocket.close", "code": RESTART})
        finally:
            await self._browsers.leave(socket)

    def _must_go_on(self) -> None:
        if self._closing:
            raise come_back("The server restarts.", len(self._clients))


def _texts(headers: dict[bytes, bytes]) -> Callable[[str], str]:
    return lambda name: headers.get(name.encode(), b"").decode("latin1")


async def _for_ever(run: Callable[[], Awaitable[Any]]) -> None:
    """Run it; what fails is said, and begun again."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("What looks after sockets has failed, and begins again.")
            await asyncio.sleep(1.0)
