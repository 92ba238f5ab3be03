"""
The counters of a capture, with the lines of its ledger that a restart needs to count on.

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
    the ledger; `unfinished` returns how many of the posts are in no finished file.  `after_crash`
    says that an earlier process has crashed: the server may count posts that went with it.
    """

    def __init__(
        self,
        counters: Counters,
        now: float,
        name: str,
        note: Callable[[Entry], object],
        unfinished: Callable[[], int],
        *,
        after_crash: bool,
    ) -> None:
        super().__init__(counters, now)
        self._name = name
        self._note = note
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

    def update(self, now: float) -> CountUpdate:
        """Return the next update, and note it before it is sent, unless it counts nothing."""
        update = super().update(now)
        if update.count:
            self._note(bookings.UpdateSent(counters=self.on_disk))
        return update

    def accepted(self, update: CountUpdate) -> None:
        """Note that the server has taken `update`."""
        super().accepted(update)
        if update.count:
            self._note_update(update.count)

    def settle(self, rows: Sequence[Row]) -> None:
        """
        Decide by the job's newest updates whether the server has taken the one whose answer was not
        seen.  If so, note that, as for every other update.
        """
        before = self.settled
        super().settle(rows)
        if self.settled > before:
            self._note_update(self.settled - before)

    def _note_update(self, count: int) -> None:
        self._note(bookings.Update(count=count, counters=self.on_disk))

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
