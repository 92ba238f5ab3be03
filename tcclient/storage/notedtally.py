"""
The counters of a capture, with what is noted and kept of them, so that a restart counts on.

Knows what log and ledger say of a change; how it is counted is in `ledger.counters`.
"""

from collections.abc import Callable, Sequence

from msgspec import structs
from twisted.logger import Logger

from tcclient.ledger import bookings
from tcclient.ledger.counters import Counters, CountUpdate, Row, Tally
from tcclient.ledger.entries import Entry

log = Logger()

SETTLING = 12
"""
In so many readings of the server's total, of which each poll makes one or two, a hand-over is over:
until the client that had the job finds out it reports too, and then it sends a last update.
"""
CALM = 6
"""After so many readings without a rise, the next one has nothing to do with those before it."""
UNEXPLAINED = 3
"""
So many rises later than that no hand-over explains, however long lies between them: the last update
of a client that was away comes late too, in two parts at most.
"""
FORGOTTEN = 100
"""Readings without a rise after which nobody else reports any more."""


class NotedTally(Tally):
    """
    The counters of the job `name`, counted on from `counters` since `now`.  `note` puts a line into
    the ledger, and `keep` keeps the counters beside it whenever what the server has, or may have,
    is news; `unfinished` returns how many of the posts are in no finished file.  `after_crash` says
    that an earlier process has crashed: the server may count posts that went with it.
    """

    def __init__(
        self,
        counters: Counters,
        now: float,
        name: str,
        note: Callable[[Entry], object],
        keep: Callable[[Counters], object],
        unfinished: Callable[[], int],
        *,
        after_crash: bool,
    ) -> None:
        super().__init__(counters, now)
        self._name = name
        self._note = note
        self._keep = keep
        self._unfinished = unfinished
        self._after_crash = after_crash

    def resume(self, now: float) -> None:
        super().resume(now)
        self._readings = self._unexplained = 0
        self._last_rise: int | None = None  # readings before it

    @property
    def is_shared(self) -> bool:
        """Whether somebody else reports for the job all the time, as this client."""
        rise = self._last_rise
        is_new = rise is not None and self._readings - rise <= FORGOTTEN
        return is_new and self._unexplained >= UNEXPLAINED

    @property
    def on_disk(self) -> Counters:
        """The counters, of posts those in finished files: recovery counts the others."""
        counters = self.counters
        return structs.replace(counters, posts=counters.posts - self._unfinished())

    def rebase(
        self, server_total: int | None, rows: Sequence[Row] = (), *, of_all: bool = False
    ) -> int:
        """
        Raise the base if the server counts posts that are not known here, and note it.  The log
        says it of the first of several such rises.  Return by how much it rises.
        """
        self._readings += 1
        more = super().rebase(server_total, rows, of_all=of_all)
        if more:
            self._say_raised(more)
            self._note_raised(more)
        self._after_crash = False
        return more

    def build_on(self, server_total: int) -> int:
        """Build on the total of a job that is another client's, and note by how much it rises."""
        more = super().build_on(server_total)
        if more:
            self._note_raised(more)
        return more

    def _note_raised(self, more: int) -> None:
        after_crash = self._after_crash
        self._note(bookings.Base(raised_by=more, counters=self.on_disk, after_crash=after_crash))

    def trying(self, total: int) -> None:
        super().trying(total)
        self._keep(self.on_disk)

    def told(self, total: int) -> None:
        super().told(total)
        self._keep(self.on_disk)

    def told_lately(self, total: int) -> None:
        """Note that the server has `total`: kept with what comes next, as `total` is as tried."""
        super().told(total)

    def accepted(self, update: CountUpdate) -> None:
        super().accepted(update)
        self._keep(self.on_disk)

    def rejected(self) -> None:
        super().rejected()
        self._keep(self.on_disk)

    def settle(self, rows: Sequence[Row]) -> None:
        super().settle(rows)
        self._keep(self.on_disk)

    def _say_raised(self, more: int) -> None:
        is_first = self._last_rise is None or self._readings - self._last_rise > CALM
        if is_first and not self.is_shared:
            why = "lost with the crash, maybe" if self._after_crash else "captured elsewhere"
            log.warn(
                "The server counts {more} posts more for {name!r} than are known here ({why}); the "
                "base rises by them.",
                more=more,
                name=self._name,
                why=why,
            )
        self._unexplained += self._readings > SETTLING
        self._last_rise = self._readings
