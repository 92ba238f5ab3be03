"""
The counters of a capture, with what is noted and kept of them, so that a restart counts on.

Knows what log and ledger say of a change; how it is counted is in `ledger.counters`.
"""

from collections.abc import Callable, Sequence

import attrs
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


class NotedTally(Tally):
    """
    The counters of the job `name`, counted on from `counters` since `now`.  `note` puts a line into
    the ledger, and `keep` keeps the counters beside it; `unfinished` returns how many of the posts
    are in no finished file.  `after_crash` says that an earlier process has crashed: the server may
    count posts that went with it.
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
        self._readings = 0
        self._rises_since: int | None = None  # readings before the first of the present rises
        self._last_rise = 0
        self._accused = False

    @property
    def on_disk(self) -> Counters:
        """The counters, of posts those in finished files: recovery counts the others."""
        counters = self.counters
        return attrs.evolve(counters, posts=counters.posts - self._unfinished())

    def rebase(self, server_total: int | None, rows: Sequence[Row] = ()) -> int:
        """
        Raise the base if the server counts posts that are not known here, and note it.  The log
        says it of the first of several such rises, and once more if they go on for longer than a
        hand-over takes.  Return by how much it rises.
        """
        self._readings += 1
        more = super().rebase(server_total, rows)
        if more:
            self._say_raised(more)
            self._note(
                bookings.Base(raised_by=more, counters=self.on_disk, after_crash=self._after_crash)
            )
        self._after_crash = False
        return more

    def told(self, total: int) -> None:
        """Keep that the server has `total`, at least."""
        super().told(total)
        self._keep(self.counters)

    def update(self, now: float) -> CountUpdate:
        """Return the next update, and keep it before it is sent."""
        update = super().update(now)
        self._keep(self.counters)
        return update

    def accepted(self, update: CountUpdate) -> None:
        """Keep that the server has taken `update`."""
        super().accepted(update)
        self._keep(self.counters)

    def rejected(self) -> None:
        """Keep that the server has certainly not taken the last update."""
        super().rejected()
        self._keep(self.counters)

    def settle(self, rows: Sequence[Row]) -> None:
        """Keep whether the server has taken the update whose answer was not seen."""
        super().settle(rows)
        self._keep(self.counters)

    def _say_raised(self, more: int) -> None:
        if self._rises_since is None or self._readings - self._last_rise > CALM:
            self._rises_since, self._accused = self._readings, False
            why = "lost with the crash, maybe" if self._after_crash else "captured elsewhere"
            log.warn(
                "The server counts {more} posts more for {name!r} than are known here ({why}); the "
                "base rises by them.",
                more=more,
                name=self._name,
                why=why,
            )
        elif self._readings - self._rises_since > SETTLING and not self._accused:
            self._accused = True
            log.warn(
                "The server's total for {name!r} keeps rising above ours: another client reports "
                "for the same job, with this client's token. Give each its own.",
                name=self._name,
            )
        self._last_rise = self._readings
