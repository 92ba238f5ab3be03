"""
One client's socket: who it is, what it tells, what it is told.

What arrives is read at once, so that nothing gathers without bound.  What is acknowledged has been
committed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeAlias

from tcclient.control.reports import Held
from tcclient.push.messages import (
    IN_USE,
    MOST_OF_A_CLIENT,
    PROTOCOL,
    REFUSED,
    SUBPROTOCOL,
    TAKEN_OVER,
    TOO_MUCH,
    WRONG_PROTOCOL,
    AgainMessage,
    Beat,
    Bye,
    ChangedMessage,
    GlimpsesMessage,
    Hello,
    HostMessage,
    LedgerMessage,
    NoMessage,
    ServerMessage,
    StateMessage,
    Welcome,
    from_client,
    written,
)
from tcserver.accounts.services.ledger import held
from tcserver.api.answers import ApiRefusal
from tcserver.api.asking import AskingClient, authenticate_client
from tcserver.api.reports import look_at_host, look_at_state
from tcserver.fleet.services.sessions import (
    UsedElsewhere,
    begin_session,
    end_session,
    number_of_sessions,
)
from tcserver.live.allowance import Allowance
from tcserver.live.closing import Closing, HungUp, spread
from tcserver.live.desk import Desk, Here, LookedUp
from tcserver.live.metrics import MESSAGES
from tcserver.live.telling import WaitingStates, WaitingWrites
from tcserver.outages import UNAVAILABLE
from tcserver.people.identity import server_id

log = logging.getLogger(__name__)

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

EVERY = 1.0
"""Seconds between two states of a capture of which nothing but numbers has changed."""
GREETING = 10.0
"""Seconds for a hello."""
PARTING = 2.0
"""Seconds that a last message may take."""
FAREWELLS = (1000, 1001)
"""The codes with which a client closes that does not come back soon."""


class ClientSocket:
    """
    A socket of a client, from its handshake to its end.  `begun` is told once it has its session.
    """

    def __init__(
        self,
        desk: Desk,
        states: WaitingStates,
        subprotocol: str | None,
        receive: Receive,
        send: Send,
    ) -> None:
        self._states, self._subprotocol = states, subprotocol
        self._desk, self._receive, self._send = desk, receive, send
        self._is_accepted = False
        self._asker = AskingClient(0, "")
        self._token = 0
        self._session = ""
        self._told: dict[int, int | None] = {}
        self._waiting = WaitingWrites(self._asker, states)
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.opened = asyncio.get_running_loop().time()

    @property
    def client(self) -> int:
        """The number of the client."""
        return self._asker.id

    @property
    def here(self) -> Here:
        """What the database is to be asked for it."""
        return Here(self.client, self._token, self._session, frozenset(self._told))

    @property
    def kept(self) -> tuple[str, int]:
        """The session that is to go on, and its token."""
        return self._session, self._token

    async def authenticate(self, header: str, address: str, agent: str) -> int:
        """Return the number of the token.  Raises Closing."""
        now = datetime.now(UTC)
        try:
            self._token, self._asker = await self._desk.do(
                authenticate_client, header, address, agent, now
            )
        except ApiRefusal as e:
            raise Closing(REFUSED, str(e), 60.0) from None
        self._waiting = WaitingWrites(self._asker, self._states)
        return self._token

    async def accept(self) -> None:
        """Answer the handshake: whatever is said or closed with a code comes after that."""
        if not self._is_accepted:
            self._is_accepted = True
            await self._send({"type": "websocket.accept", "subprotocol": self._subprotocol})

    async def greet(self) -> None:
        """Answer the hello, which begins the session.  Raises Closing and HungUp."""
        try:
            async with asyncio.timeout(GREETING):
                hello = self._read(await self._frame())
        except TimeoutError:
            raise Closing(WRONG_PROTOCOL, "No hello has come.") from None
        if not isinstance(hello, Hello):
            raise Closing(WRONG_PROTOCOL, "The first message has to be a hello.")
        if hello.protocol != PROTOCOL:
            raise Closing(WRONG_PROTOCOL, f"The protocol here is {SUBPROTOCOL}.")
        now = datetime.now(UTC)
        try:
            self._session, welcome = await self._desk.do(self._begin, hello, now)
        except UsedElsewhere as e:
            if e.is_news:
                log.warning(
                    "Client %s: installation %s on %s is refused, as another one has its session.",
                    self._asker.name,
                    hello.installation,
                    hello.host,
                )
            reason = "Another installation has this client's session."
            raise Closing(IN_USE, reason, 60.0) from None
        self._told = {one.job: one.revision for one in hello.captures}
        await self.say(welcome)

    async def serve(self, allowance: Allowance) -> None:
        """Take what it tells until it is closed.  Raises Closing and HungUp."""
        tasks = [asyncio.ensure_future(one) for one in (self._listen(allowance), self._write())]
        try:
            await asyncio.gather(*tasks, self._ended)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self, closing: Closing) -> None:
        """Have serve() raise this."""
        if not self._ended.done():
            self._ended.set_exception(closing)

    async def part(self, closing: Closing) -> None:
        """Say why, and close."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PARTING):
                await self.accept()
                await self.say(Bye(closing.reason, closing.retry_after))
                await self._send({"type": "websocket.close", "code": closing.code})

    async def gone(self, code: int) -> None:
        """Let another installation come at once, if this one has said goodbye."""
        if self._session and code in FAREWELLS:
            with suppress(*UNAVAILABLE):
                await self._desk.do(end_session, self._session, datetime.now(UTC))

    async def say(self, message: ServerMessage) -> None:
        """Send a message."""
        await self._send({"type": "websocket.send", "text": written(message).decode()})

    async def beat(self) -> None:
        """Give a sign of life."""
        await self.say(Beat())

    async def see(self, seen: LookedUp) -> None:
        """Tell what is different from what was told, or close for it."""
        if not seen.token_is_good:
            self.close(Closing(REFUSED, "The token was revoked.", 60.0))
        elif not seen.session_is_current:
            self.close(Closing(TAKEN_OVER, "Another socket has taken the session over."))
        else:
            for job, revision in seen.revisions.items():
                if self._told.get(job) != revision:
                    self._told[job] = revision
                    await self.say(ChangedMessage(job, revision))
            for job, revision in seen.lost.items():
                await self.say(ChangedMessage(job, revision))
            for job in self._told.keys() - seen.revisions.keys():
                del self._told[job]

    def _begin(self, hello: Hello, now: datetime) -> tuple[str, Welcome]:
        session = begin_session(self.client, self._token, hello, now)
        ledgers: tuple[Held, ...] = tuple(held(self.client, one.ledger) for one in hello.ledgers)
        everybody = spread(number_of_sessions(now))
        return session, Welcome(PROTOCOL, session, EVERY, everybody, server_id(), ledgers)

    async def _frame(self) -> str:
        """Return the next text.  Raises Closing and HungUp."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise HungUp(message.get("code") or 1006)
        text = message.get("text")
        if not isinstance(text, str):
            raise Closing(WRONG_PROTOCOL, "Messages come as text.")
        # No character has less than a byte.
        if len(text) > MOST_OF_A_CLIENT or len(text.encode()) > MOST_OF_A_CLIENT:
            raise Closing(TOO_MUCH, f"A message has at most {MOST_OF_A_CLIENT} bytes.")
        return text

    def _read(self, text: str) -> Any:
        try:
            message = from_client(text)
            if isinstance(message, StateMessage):
                look_at_state(message)
                if "\0" in message.reason:
                    raise NoMessage("a reason has a character that is none of texts")
            if isinstance(message, HostMessage):
                look_at_host(message)
        except NoMessage as e:
            raise Closing(WRONG_PROTOCOL, f"This is no message: {e}.") from None
        except ApiRefusal as e:
            raise Closing(WRONG_PROTOCOL, f"This cannot be stored: {e.content}.") from None
        return message

    async def _listen(self, allowance: Allowance) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            text = await self._frame()
            if not allowance.takes(1 + len(text) / 1024, clock()):
                raise Closing(TOO_MUCH, "More comes than is taken.", 30.0)
            message = self._read(text)
            MESSAGES.labels("unknown" if message is None else type(message).__name__).inc()
            if isinstance(message, LedgerMessage):
                self._waiting.take_piece(message)
            elif isinstance(message, GlimpsesMessage):
                self._waiting.take_glimpses(message)
            elif isinstance(message, StateMessage | HostMessage) and self._waiting.take(message):
                await self.say(AgainMessage())

    async def _write(self) -> None:
        """Have written what waits, and acknowledge it afterwards."""
        while True:
            for answer in await self._waiting.write(self._desk):
                await self.say(answer)
