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
        self._raised = 0  # how often in a row the server's total was above ours

    @property
    def on_disk(self) -> Counters:
        """The counters, of posts those in finished files: recovery counts the others."""
        counters = self.counters
        return attrs.evolve(counters, posts=counters.posts - self._unfinished())

    def rebase(self, server_total: int | None, rows: Sequence[Row] = ()) -> int:
        """
        Raise the base if the server counts posts that are not known here, and note it.  The log
        says it, but where the server's total is above ours again and again only twice.  Return by
        how much it rises.
        """
        is_above = (server_total or 0) > self.base + self.posts
        more = super().rebase(server_total, rows)
        if more:
            self._say_raised(more)
            self._note(
                bookings.Base(raised_by=more, counters=self.on_disk, after_crash=self._after_crash)
            )
        self._raised = self._raised + 1 if is_above else 0
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
        if self._raised == 0:
            why = "lost with the crash, maybe" if self._after_crash else "captured elsewhere"
            log.warn(
                "The server counts {more} posts more for {name!r} than are known here ({why}); the "
                "base rises by them.",
                more=more,
                name=self._name,
                why=why,
            )
        elif self._raised == 1:
            log.warn(
                "The server's total for {name!r} keeps rising above ours: another client reports "
                "for the same job, with this client's token. Give each its own.",
                name=self._name,
            )
