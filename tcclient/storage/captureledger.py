"""
The ledger of one capture as the capture writes it: a disk that refuses a line is no reason to end.

Knows that lines wait then, and that somebody may remove the file; does not know what lines say.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import attrs
from msgspec import UNSET, structs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcclient.ledger.bookings import Update
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import Entry
from tcclient.ledger.fold import told_counters
from tcclient.ledger.known import known_counters
from tcclient.ledger.ledgerfile import Ledger
from tcclient.runtime.failures import explain_os

log = Logger()


class CaptureLedger:
    """
    Writes the lines of one job into a ledger, which is open as `file`; by its lines so far so many
    posts are `settled`.  `begun_anew` is called when the file was removed and another one has been
    begun.
    """

    def __init__(
        self, file: Ledger, job_id: int, settled: int, begun_anew: Callable[[], object]
    ) -> None:
        self.file = file
        self._job_id = job_id
        self._settled = settled
        self._begun_anew = begun_anew
        self._silenced = False

    def write(self, entry: Entry) -> None:
        """Append the lines that wait, then this one.  If it raises OSError, this one is lost."""
        self.file.write(self._with_count(entry), self._job_id)
        self._noted(entry)

    def note(self, entry: Entry) -> None:
        """Append a line; if the disk refuses it, it waits.  Does not raise OSError."""
        with self._complaining_once():
            self.file.note(self._with_count(entry), self._job_id)
        self._noted(entry)
        if self.file.is_renewed:
            self.file.is_renewed = False
            self._begun_anew()

    def keep(self, counters: Counters) -> None:
        """Keep beside the ledger what the next line with counters is to say of the server."""
        self.file.keep(self._job_id, counters)

    def _with_count(self, entry: Entry) -> Entry:
        """
        Return a line with counters with what the server has taken since the last one.  What was
        sent is only kept beside the ledger, where it is never old.
        """
        counters = told_counters(entry)
        if counters is None:
            return entry
        lasting = attrs.evolve(counters, sent=UNSET, told=UNSET)
        return structs.replace(entry, count=counters.settled - self._settled, counters=lasting)

    def _noted(self, entry: Entry) -> None:
        counters = told_counters(entry)
        if counters is not None:
            self._settled = counters.settled
            self.keep(counters)

    def say_damaged(self, lines: int) -> None:
        """Log that so many of the newest lines cannot be read, if any."""
        if lines:
            log.warn(
                "Of the newest lines of {path} {n} cannot be read, so that what they say is not "
                "known: tcc-account --verify names them.",
                path=str(self.file.path),
                n=lines,
            )

    def catch_up(self) -> None:
        """Append the lines that wait, as far as the disk takes them.  Does not raise OSError."""
        with self._complaining_once():
            self.file.catch_up()

    def sync(self, sync: Callable[[int], Deferred[None]]) -> None:
        """Have what is new synced by `sync`, which is given a descriptor: lines, and the state."""
        if self.file.is_unsynced:
            self.file.is_unsynced = False
            # A disk that refuses this refuses the posts too, and they say so.
            sync(self.file.fileno()).addErrback(lambda failure: failure.trap(OSError))
        if self.file.kept.is_unsynced:
            self.file.kept.is_unsynced = False
            with suppress(OSError), self.file.kept.path.open("rb") as state:
                sync(state.fileno()).addErrback(lambda failure: failure.trap(OSError))

    @contextmanager
    def _complaining_once(self) -> Iterator[None]:
        """Log that the ledger cannot be written, once until it can be again, and go on."""
        try:
            yield
        except OSError as e:
            if not self._silenced:
                log.error(
                    "Cannot write to {path}: {reason}.",
                    path=str(self.file.path),
                    reason=explain_os(e),
                )
            self._silenced = True
        else:
            self._silenced = False


def settle_for_another(ledger: Ledger, job_id: int) -> None:
    """
    Note what is kept beside a ledger of another job, which had the folder last: from now on that of
    the job `job_id` is kept.  Raises OSError.
    """
    last = ledger.kept.state.job
    if last in (None, job_id):
        return
    for job, known in known_counters(ledger.path, last).items():
        count = known.counters.settled - known.noted
        if count:
            ledger.write(Update(count=count, counters=known.counters), job)
