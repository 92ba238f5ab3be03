"""
A file that says how things stand, and is renewed when they change: in a thread, so that nobody
waits for its disk.

Knows turns, and that only the newest is worth writing; does not know what the file says.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred, TimeoutError, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient.runtime.threads import Threads
from tcclient.storage.lane import PATIENCE, Lane

log = Logger()

Told = Callable[[OSError | None], object]
"""Hears why a file has not been written; None where it has."""


class Latest:
    """
    Renews a file by `threads`, one thing after the other.  `writing` is called when it is its turn,
    and returns what writes how things stand then.  `told` hears how each attempt ends, and before
    that of a disk that has not answered for PATIENCE.
    """

    def __init__(
        self,
        writing: Callable[[], Callable[[], object]],
        threads: Threads,
        clock: IReactorTime,
        told: Told,
    ) -> None:
        self._writing = writing
        self._clock = clock
        self._told = told
        self._lane = Lane(threads, clock, self._speed_changed)
        self._is_due = False
        self.is_under_way = False
        """Whether something is being written."""
        self._awaiting: list[Deferred[None]] = []

    def renew(self) -> None:
        """Write how things stand, once what is under way is done."""
        self._is_due = True
        if not self.is_under_way:
            working = Deferred.fromCoroutine(self._work())
            working.addErrback(lambda failure: log.failure("A file cannot be renewed.", failure))

    def written(self, within: float) -> Deferred[None]:
        """Fire when nothing is under way any more, or after so many seconds."""
        if not self.is_under_way:
            return succeed(None)
        written: Deferred[None] = Deferred(self._awaiting.remove)
        self._awaiting.append(written)

        def pass_over(failure: Failure) -> None:
            failure.trap(TimeoutError)

        return written.addTimeout(within, self._clock).addErrback(pass_over)

    async def _work(self) -> None:
        self.is_under_way = True
        try:
            while self._is_due:
                self._is_due = False
                self._told(await self._attempt())
        finally:
            self.is_under_way = False
            awaiting, self._awaiting = self._awaiting, []
            for written in awaiting:
                written.callback(None)

    async def _attempt(self) -> OSError | None:
        """Write.  Return why that is refused; None where it is not."""
        try:
            await self._lane.run(self._writing())
        except OSError as e:
            return e
        return None

    def _speed_changed(self) -> None:
        if self._lane.is_slow:
            self._told(OSError(f"it has not answered for {PATIENCE:g} s"))
