"""
What a real-time channel to the capture server is to the captures, and they to it.

REST stays truth and fallback: what a channel cannot carry is told by REST.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct
from twisted.application.service import MultiService

from tcclient.control.reports import Glimpses, Held, Host, State


class NotCarried(Exception):
    """Raised where the channel does not carry something: it is not up, or the piece too long."""


class OwnLedger(Struct, frozen=True):
    """A ledger that is written now, of a `job` or of none, with its `length` in bytes."""

    ledger: str
    length: int
    job: int | None = None


class Introduction(Struct, frozen=True):
    """
    Who a client is and what it has: its `installation` and the `instance`, one start's; the newest
    `revisions` that are applied, by their jobs; and `server`, as that calls itself by REST, None
    where it does not.
    """

    machine: Host
    revisions: Sequence[tuple[int, int | None]]
    ledgers: Sequence[OwnLedger]
    server: str | None


class ChannelUser(Protocol):
    """Who is told what comes over a channel.  None of this raises."""

    def introduce(self) -> Introduction:
        """Return who the client is; asked for at each connection."""

    def up(self, every: float, held: Sequence[Held]) -> None:
        """
        All goes by the channel from now on, and the other end knows nothing yet: numbers may be
        told `every` so many seconds, and so much is held of the ledgers of the introduction.
        """

    def down(self) -> None:
        """All goes by REST from now on; what was told last may not have arrived."""

    def changed(self, job: int, revision: int) -> None:
        """People want something else of a job, which REST has."""

    def looked_at(self, job: int) -> None:
        """Somebody looks at the posts of a job."""

    def again(self) -> None:
        """Something that was told did not arrive: all is to be told again."""


class RealtimeChannel(Protocol):
    """A channel that is kept up while it can be; a service below the poller."""

    def begin(self, user: ChannelUser) -> None:
        """Called once, before anything else: `user` is told what comes."""

    def polled(self) -> None:
        """The server has answered by REST, and has more than the jobs' members."""

    def states(self, states: Sequence[State]) -> None:
        """Tell how captures are doing.  Raises NotCarried."""

    def host(self, host: Host) -> None:
        """Tell how the machine is doing.  Raises NotCarried."""

    def glimpses(self, told: Glimpses) -> None:
        """Show the newest posts of a capture.  Raises NotCarried."""

    async def append(self, ledger: str, job: int | None, offset: int, data: bytes) -> int:
        """
        Send the first of these bytes of a ledger, one piece at a time, and return how many are held
        then.  Raises NotCarried, also where it is not known whether they arrived, and ServerError
        where the server refuses this ledger.
        """

    def setServiceParent(self, parent: Any) -> None:
        """Become a service below the poller."""


class NoChannel(RealtimeChannel):
    """The channel of a client that is to have none."""

    def begin(self, user: ChannelUser) -> None:
        return

    def polled(self) -> None:
        return

    def states(self, states: Sequence[State]) -> None:
        raise NotCarried

    def host(self, host: Host) -> None:
        raise NotCarried

    def glimpses(self, told: Glimpses) -> None:
        raise NotCarried

    async def append(self, ledger: str, job: int | None, offset: int, data: bytes) -> int:
        raise NotCarried

    def setServiceParent(self, parent: Any) -> None:
        return


NO_CHANNEL = NoChannel()


class LateChannel(MultiService, RealtimeChannel):
    """
    A channel that `make` makes when the server has answered by REST and may have one: a start, and
    a client of an older server, do without.
    """

    def __init__(self, make: Callable[[], RealtimeChannel]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # not annotated
        self._make = make
        self._channel: RealtimeChannel = NO_CHANNEL

    def begin(self, user: ChannelUser) -> None:
        self._user = user

    def polled(self) -> None:
        if self._channel is NO_CHANNEL and self.running:
            self._channel = self._make()
            self._channel.begin(self._user)
            self._channel.setServiceParent(self)
        self._channel.polled()

    def states(self, states: Sequence[State]) -> None:
        self._channel.states(states)

    def host(self, host: Host) -> None:
        self._channel.host(host)

    def glimpses(self, told: Glimpses) -> None:
        self._channel.glimpses(told)

    async def append(self, ledger: str, job: int | None, offset: int, data: bytes) -> int:
        return await self._channel.append(ledger, job, offset, data)
