"""
The ledger of what belongs to no capture, in base_dir.

Knows when its lines are written, and that its disk can refuse; does not know what they say.
"""

from collections.abc import Callable
from pathlib import Path
from threading import Lock

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient.ledger.entries import Entry
from tcclient.ledger.ledgerfile import Ledger
from tcclient.runtime.failures import explain_os
from tcclient.runtime.threads import Threads
from tcclient.runtime.wallclock import Date, Wall
from tcclient.storage.lane import Lane
from tcclient.storage.lines import Lines

log = Logger()

INDEX = "tcc.ledger.jsonl"
"""Its name: what belongs to no capture, and which job has had which folder."""
LAST_LINE = 1.0
"""Seconds for which the end of the process waits for its line."""


class IndexLedger:
    """The ledger below `base_dir`, which is open only while lines are appended, by `threads`."""

    def __init__(self, base_dir: Path, threads: Threads, clock: IReactorTime, wall: Wall) -> None:
        self.path = base_dir / INDEX
        self._clock = clock
        self._wall = wall
        self._free = Lock()
        lane = Lane(threads, clock, lambda: None)
        self._lines = Lines(self._appending, lane, wall, self._refused)

    def note(self, entry: Entry, job_id: int | None = None) -> None:
        """Put a line there, now or later; never raises."""
        self._lines.add(entry, job_id)

    def write(self, entry: Entry, job_id: int | None) -> None:
        """Put a line there at once.  Raises OSError."""
        with self._free, Ledger(self.path, self._wall) as ledger:
            ledger.write(entry, job_id)

    def end(self, entry: Entry) -> Deferred[None]:
        """Put the last line there.  Fires when it is there, or after LAST_LINE."""

        def pass_over(failure: Failure) -> None:
            # Nothing is lost without this line, and the log has had the reason.
            failure.trap(OSError, TimeoutError)

        self.note(entry)
        return self._lines.written().addTimeout(LAST_LINE, self._clock).addErrback(pass_over)

    def _appending(self, lines: list[bytes], now: Date) -> Callable[[], None]:
        def act() -> None:
            with self._free, Ledger(self.path, lambda: now) as ledger:
                ledger.append(lines, now)

        return act

    def _refused(self, refusal: OSError | None) -> None:
        if refusal is not None and not self._lines.was_refused:
            where, reason = str(self.path.parent), explain_os(refusal)
            log.error("Cannot write below {base_dir}: {reason}.", base_dir=where, reason=reason)
