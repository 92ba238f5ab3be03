"""
The channel of a client to its capture server: greets it, tells it what there is to tell, and passes
on its hints.

Knows what is said, and that the other end is the server that REST knows; does not know what is to
be told, nor what becomes of a hint.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from msgspec import structs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from tcclient.control.answers import ServerError
from tcclient.control.realtime import ChannelUser, Introduction, NotCarried, RealtimeChannel
from tcclient.control.reports import Glimpses, Host, State
from tcclient.push.messages import (
    MOST_CAPTURES,
    MOST_LEDGERS,
    PIECE,
    PROTOCOL,
    WRONG_PROTOCOL,
    AgainMessage,
    ChangedMessage,
    GlimpsesMessage,
    HeldCapture,
    HeldMessage,
    Hello,
    HostMessage,
    KeptLedger,
    LedgerMessage,
    LookMessage,
    ServerMessage,
    StateMessage,
    Welcome,
    fitting,
)
from tcclient.push.owner import OneSocket, SocketOwner
from tcclient.push.retrying import ABNORMAL, ChannelEnding, Retries, bounded
from tcclient.push.upkeep import Upkeep
from tcclient.runtime.failures import explain
from tcclient.runtime.timers import Timers

GREETING = 30.0
"""Seconds from a hello to the welcome."""
ACKNOWLEDGING = 30.0
"""Seconds in which a piece of a ledger is acknowledged."""
LEAST_EVERY, MOST_EVERY = 1.0, 60.0
"""Seconds between numbers, whatever the server says."""

Connect: TypeAlias = Callable[[SocketOwner], Deferred[OneSocket]]
"""Makes a connection; cancelled, it is given up."""


class PushChannel(Service, RealtimeChannel, SocketOwner):
    """
    A channel over the sockets that `connect` makes.  stopService() fires when there is none any
    more.  `chance` returns a random number from 0 to 1.
    """

    def __init__(self, connect: Connect, clock: IReactorTime, chance: Callable[[], float]) -> None:
        self._connect = connect
        self._clock = clock
        self._timers = Timers(clock)
        self._upkeep = Upkeep(clock, Retries(chance), self._try, self._close)
        self._attempt: Deferred[None] | None = None
        self._socket: OneSocket | None = None
        self._up_since: float | None = None
        self._n = 0
        self._passed_over = False
        self._acknowledged: tuple[str, Deferred[HeldMessage]] | None = None

    def begin(self, user: ChannelUser) -> None:
        self._user = user

    def stopService(self) -> Deferred[None]:
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        self._upkeep.inputs.stop()
        return self._upkeep.has_left

    def polled(self) -> None:
        self._upkeep.inputs.polled()

    def states(self, states: Sequence[State]) -> None:
        for state in states:
            self._tell(StateMessage, state)

    def host(self, host: Host) -> None:
        self._tell(HostMessage, host)

    def glimpses(self, told: Glimpses) -> None:
        if not self._require_up().send(GlimpsesMessage(told.job, told.posts)):
            raise NotCarried

    async def append(self, ledger: str, job: int | None, offset: int, data: bytes) -> int:
        socket = self._require_up()
        held: Deferred[HeldMessage] = Deferred()
        self._acknowledged = ledger, held
        try:
            if not socket.send(LedgerMessage(ledger, offset, data[:PIECE], job)):
                raise NotCarried
            answer = await held.addTimeout(ACKNOWLEDGING, self._clock)
        except TimeoutError:
            socket.give_up("a piece of a ledger was not acknowledged")
            raise NotCarried from None
        finally:
            self._acknowledged = None
        if answer.refused:
            raise ServerError(answer.refused[:200], 400, refused=True)
        return answer.offset

    # What the socket tells.

    def opened(self) -> None:
        assert self._socket is not None
        self._introduction = self._user.introduce()
        self._socket.send(_hello(self._introduction))
        self._timers.start("welcome", GREETING, partial(self._give_up, "there was no welcome"))

    def heard(self, message: ServerMessage) -> None:
        if self._up_since is None:
            if isinstance(message, Welcome):
                self._welcomed(message)
        elif isinstance(message, ChangedMessage):
            self._user.changed(message.job, message.revision)
        elif isinstance(message, LookMessage):
            self._user.looked_at(message.job)
        elif isinstance(message, AgainMessage):
            self._user.again()
        elif isinstance(message, HeldMessage):
            ledger, held = self._acknowledged or ("", None)
            if held is not None and ledger == message.ledger and not held.called:
                held.callback(message)

    def writable(self) -> None:
        if self._passed_over and self._up_since is not None:
            self._passed_over = False
            self._user.again()

    def ended(self, ending: ChannelEnding) -> None:
        self._timers.stop("welcome")
        since, self._up_since, self._socket = self._up_since, None, None
        lasted = None if since is None else self._clock.seconds() - since
        if since is not None:
            self._user.down()
        if self._acknowledged is not None and not self._acknowledged[1].called:
            self._acknowledged[1].errback(NotCarried())
        self._upkeep.ended(structs.replace(ending, lasted=lasted))

    # What the machine asks for.

    def _try(self) -> None:
        attempt = self._connect(self)
        self._attempt = attempt.addCallbacks(self._connected, self._failed)

    def _connected(self, socket: OneSocket) -> None:
        self._attempt, self._socket = None, socket

    def _failed(self, failure: Failure) -> None:
        self._attempt = None
        self._upkeep.ended(ChannelEnding(explain(failure)))

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        elif self._attempt is not None:
            self._attempt.cancel()

    def _welcomed(self, welcome: Welcome) -> None:
        known = self._introduction.server
        if welcome.protocol != PROTOCOL:
            self._give_up("the server speaks another protocol there", WRONG_PROTOCOL)
        elif known and welcome.server and welcome.server != known:
            self._give_up("another capture server answers there than at base_url", WRONG_PROTOCOL)
        else:
            self._timers.stop("welcome")
            self._up_since, self._n, self._passed_over = self._clock.seconds(), 0, False
            self._upkeep.retries.spread_over(welcome.spread)
            self._upkeep.inputs.welcomed()
            every = max(LEAST_EVERY, bounded(welcome.every, MOST_EVERY))
            self._user.up(every, welcome.ledgers)

    def _give_up(self, reason: str, code: int = ABNORMAL) -> None:
        if self._socket is not None:
            self._socket.give_up(reason, code)

    def _require_up(self) -> OneSocket:
        if self._socket is None or self._up_since is None:
            raise NotCarried
        return self._socket

    def _tell(self, kind: type[StateMessage] | type[HostMessage], told: State | Host) -> None:
        """Send a message with its number; the newest is told later if the server does not read."""
        if self._require_up().send(kind(**structs.asdict(told), n=self._n + 1)):
            self._n += 1
        else:
            self._passed_over = True


def _hello(introduction: Introduction) -> Hello:
    """Return the first message, which names what has room in it."""
    machine = introduction.machine
    hello = Hello(
        PROTOCOL,
        machine.installation,
        machine.instance,
        machine.version,
        machine.host,
        tuple(HeldCapture(*one) for one in introduction.revisions[:MOST_CAPTURES]),
        tuple(KeptLedger(*structs.astuple(one)) for one in introduction.ledgers[:MOST_LEDGERS]),
    )
    return fitting(hello)
