"""
What is kept beside a ledger for its next start: how long it was, and what the server has of posts.

Knows the form of one small file; does not know what a ledger says.
"""

import os
from contextlib import suppress
from pathlib import Path

import attrs
import msgspec
from msgspec import UNSET, UnsetType

from tcclient.ledger.counters import Counters, CountUpdate

_SIZE = 512
"""Bytes of the file: each state is written over the one before, by one write."""


class LedgerState(msgspec.Struct, omit_defaults=True):
    """
    `length` bytes of the ledger with this id were written.  The others are the newest numbers of
    the `job`, as Counters has them: what the server has taken is in no line until the next one that
    has counters.
    """

    ledger: str = ""
    length: int = 0
    job: int | None = None
    settled: int = 0
    sent: CountUpdate | UnsetType | None = UNSET
    told: int | UnsetType = UNSET

    def newer(self, job: int, counters: Counters) -> Counters:
        """
        Return the counters of a job that the newest line has, with what is newer here.  What was
        sent is not known where the state is not of that job, or was not kept after that line.
        """
        if self.job != job or self.settled < counters.settled:
            return counters
        return attrs.evolve(counters, settled=self.settled, sent=self.sent, told=self.told)

    def take(self, job: int, counters: Counters) -> None:
        """Have the numbers of a job."""
        self.job, self.settled = job, counters.settled
        self.sent, self.told = counters.sent, counters.told


class StateFile:
    """
    The state of the ledger that is at a path.  No method raises OSError: without it the next start
    knows less, and asks the server.
    """

    def __init__(self, ledger: Path) -> None:
        self.path = ledger.with_name(f".{ledger.name.removesuffix('.jsonl')}.state")
        self.state = self._read()

    def of(self, ledger: str) -> LedgerState:
        """Return the state to be kept of the ledger with this id; nothing is there of another's."""
        if self.state.ledger != ledger:
            self.state = LedgerState(ledger)
        return self.state

    is_unsynced = False
    """Whether the state was kept; whoever syncs the file resets this."""

    def keep(self) -> None:
        """Write the state as it is now; where that fails, remove the one that is not true."""
        content = msgspec.json.encode(self.state).ljust(_SIZE - 1) + b"\n"
        try:
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                os.pwrite(fd, content, 0)
            finally:
                os.close(fd)
            self.is_unsynced = True
        except OSError:
            with suppress(OSError):
                self.path.unlink()

    def _read(self) -> LedgerState:
        with suppress(OSError, msgspec.MsgspecError), self.path.open("rb") as file:
            return msgspec.json.decode(file.read(_SIZE), type=LedgerState)
        return LedgerState()
