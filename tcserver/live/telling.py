"""
What clients have told at their sockets and is not written yet: the newest state of each capture, of
all clients together, and of each client its machine, and the pieces of its ledgers in their order.

Writes by the services that REST uses.  Knows messages; knows no socket.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import DataError

from tcclient.push.messages import (
    TOO_MUCH,
    UNACKNOWLEDGED,
    WRONG_PROTOCOL,
    GlimpsesMessage,
    HeldMessage,
    HostMessage,
    LedgerMessage,
    StateMessage,
)
from tcserver.accounts.services.ledger import FullOfLedgers, append
from tcserver.api.asking import AskingClient
from tcserver.captures.glimpses import keep
from tcserver.captures.services.state import states_of_many
from tcserver.fleet.services.contact import host
from tcserver.history.acts import Act, Party, by_server
from tcserver.live.closing import Closing
from tcserver.live.desk import Desk
from tcserver.live.metrics import BYTES
from tcserver.outages import UNAVAILABLE
from tcserver.people.askers import NotFound

MOST_SHOWN = 100
"""Captures whose posts wait to be shown."""
MOST_PIECES = 1000
"""Pieces under way, as those without bytes are no bytes."""
GATHER, AWAY = 0.025, 1.0
"""Seconds from one write of states to the next, and after one that failed."""


class WaitingStates:
    """The states that are not written yet: a write for all of them costs little more than one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._states: dict[tuple[int, int], StateMessage] = {}
        self._wake = asyncio.Event()

    def take(self, client: int, told: StateMessage) -> None:
        """Keep the newest state of a client's capture."""
        self._states[client, told.job] = told
        self._wake.set()

    async def run(self) -> None:
        """Have them written until this is cancelled; while the database is away they wait."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            states, self._states = self._states, {}
            told = [(client, one) for (client, _), one in states.items()]
            try:
                await self._desk.do(states_of_many, told, by_server(datetime.now(UTC)))
            except UNAVAILABLE:
                self._states = states | self._states
                self._wake.set()
                await asyncio.sleep(AWAY)
            await asyncio.sleep(GATHER)


class WaitingWrites:
    """What else one client has told, at most UNACKNOWLEDGED bytes; its states go to `states`."""

    def __init__(self, client: AskingClient, states: WaitingStates) -> None:
        self._client = client
        self._all = states
        self._n = 0
        self._host: HostMessage | None = None
        self._glimpses: dict[int, GlimpsesMessage] = {}
        self._pieces: list[LedgerMessage] = []
        self._under_way = 0
        self._wake = asyncio.Event()

    def take(self, message: StateMessage | HostMessage) -> bool:
        """
        Keep the newest; one whose number was there already is let be.  Return whether a number is
        missing before it.
        """
        if message.n <= self._n:
            return False
        missing = message.n > self._n + 1
        self._n = message.n
        if isinstance(message, HostMessage):
            self._host = message
            self._wake.set()
        else:
            self._all.take(self._client.id, message)
        return missing

    def take_glimpses(self, told: GlimpsesMessage) -> None:
        """Keep the newest of a capture, of so many captures as there is room for."""
        if told.job in self._glimpses or len(self._glimpses) < MOST_SHOWN:
            self._glimpses[told.job] = told
            self._wake.set()

    def take_piece(self, piece: LedgerMessage) -> None:
        """Keep bytes of a ledger.  Raises Closing where too much is under way."""
        self._under_way += len(piece.data)
        if self._under_way > UNACKNOWLEDGED or len(self._pieces) >= MOST_PIECES:
            reason = f"More than {UNACKNOWLEDGED} bytes of ledgers are under way."
            raise Closing(TOO_MUCH, reason)
        self._pieces.append(piece)
        self._wake.set()

    async def write(self, desk: Desk) -> list[HeldMessage]:
        """
        Wait for something, and have all that waits written.  Return what is held of its ledgers
        once that is committed.  Raises Closing for what cannot be stored.
        """
        await self._wake.wait()
        self._wake.clear()
        machine, self._host = self._host, None
        shown, self._glimpses = self._glimpses, {}
        pieces, self._pieces = self._pieces, []
        try:
            answers = await desk.do(self._store, machine, shown.values(), pieces)
        except (DataError, ValueError) as e:
            reason = "There is a value that cannot be stored."
            raise Closing(WRONG_PROTOCOL, reason, 60.0) from e
        stored = sum(len(piece.data) for piece in pieces)
        self._under_way -= stored
        BYTES.inc(stored)
        return answers

    def _store(
        self,
        machine: HostMessage | None,
        shown: Iterable[GlimpsesMessage],
        pieces: list[LedgerMessage],
    ) -> list[HeldMessage]:
        """Called in a thread."""
        client, now = self._client, datetime.now(UTC)
        act = Act(Party.CLIENT, client.id, client.name, now)
        if machine is not None:
            host(client.id, machine, now)
        for told in shown:
            keep(client.id, told)
        return [self._append(piece, act) for piece in pieces]

    def _append(self, piece: LedgerMessage, act: Act) -> HeldMessage:
        name, where = piece.ledger, (piece.job, piece.offset)
        try:
            reached, _ = append(self._client.id, name, *where, piece.data, act)
        except NotFound:
            return HeldMessage(name, 0, "The client never had this job.")
        except FullOfLedgers as e:
            return HeldMessage(name, 0, str(e))
        return HeldMessage(name, reached)
