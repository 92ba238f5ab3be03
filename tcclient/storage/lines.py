"""
The lines of one ledger that are to be appended, in order, whenever its disk takes them.

Knows that a disk can refuse; does not know what lines say, nor the file.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger

from tcclient.ledger.backlog import Backlog
from tcclient.ledger.entries import Entry
from tcclient.runtime.wallclock import Date, Wall
from tcclient.storage.lane import Lane

log = Logger()

Appending = Callable[[list[bytes], Date], Callable[[], object]]
"""
Returns what appends whole lines at a date, in order; that raises OSError if none is there then.
"""


class Lines:
    """
    Lines that are appended in the `lane` by what `appending` returns, in order; those that the disk
    refuses wait.  `refused` is called with why, and with None when it has taken all.  A line has
    the time at which it was added, by `wall`.
    """

    def __init__(
        self,
        appending: Appending,
        lane: Lane,
        wall: Wall,
        refused: Callable[[OSError | None], object],
    ) -> None:
        self._appending = appending
        self._lane = lane
        self._wall = wall
        self._refused = refused
        self._backlog = Backlog()
        self._is_asked = False
        self._working = False
        self._awaiting: list[Deferred[None]] = []
        self._refusal: OSError | None = None
        self.was_refused = False
        """Whether the disk had refused the lines before those that it has taken or refused now."""

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing waits, and nothing is under way."""
        return not (self._working or self._is_asked or self._backlog)

    def add(self, entry: Entry, job: int | None) -> None:
        """Add a line, which is appended behind those before it.  Never raises."""
        self._backlog.add(entry, job, self._wall())
        self.go_on()

    def call(self) -> None:
        """Have `appending` called, though maybe with no lines."""
        self._is_asked = True
        self.go_on()

    def go_on(self) -> None:
        """Append what waits, unless that is under way."""
        if not self._working:
            working = Deferred.fromCoroutine(self._work())
            working.addErrback(lambda failure: log.failure("A ledger cannot be written.", failure))

    def written(self) -> Deferred[None]:
        """Append what waits.  Fires when nothing does; fails with OSError where that is refused."""
        self.go_on()
        if not self._working:
            return fail(self._refusal) if self._backlog and self._refusal else succeed(None)
        written: Deferred[None] = Deferred(self._awaiting.remove)
        self._awaiting.append(written)
        return written

    async def _work(self) -> None:
        self._working = True
        self.was_refused, self._refusal = self._refusal is not None, None
        try:
            while self._backlog or self._is_asked:
                self._is_asked = False
                now = self._wall()
                appending = self._appending(self._backlog.first(now), now)
                try:
                    await self._lane.run(appending)
                except OSError as e:
                    self._backlog.refused()
                    self._refusal = e
                    break
                self._backlog.taken()
        finally:
            self._working = False
        self._refused(self._refusal)
        awaiting, self._awaiting = self._awaiting, []
        for written in awaiting:
            if self._refusal is None:
                written.callback(None)
            else:
                written.errback(self._refusal)
