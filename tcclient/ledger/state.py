"""
What is kept beside a ledger for its next start: how long it was, and what the server has of posts.

Knows the form of one small file; does not know what a ledger says.
"""

import os
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import structs

from tcclient.ledger.counters import Counters, CountUpdate
from tcclient.runtime.fixedfiles import read_file

_SIZE = 512
_WRITING = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
"""Bytes of the file: each state is written over the one before, by one write."""


class LedgerState(msgspec.Struct, omit_defaults=True):
    """
    `length` bytes of the ledger with this id were written, the last ones into the file with this
    `inode`, None where a file does not keep it.  `counters` are the newest ones of the `job`: what
    the server has taken is in no line until the next one that has counters, and `base` and `posts`
    are in none where somebody has removed the newest lines.
    """

    ledger: str = ""
    length: int = 0
    inode: int | None = None
    job: int | None = None
    counters: Counters = Counters()

    def newer(self, job: int, counters: Counters) -> Counters:
        """
        Return the counters of a job that the newest line has, with what is newer here.  What was
        sent is not known where the state is not of that job, or was not kept after that line.
        """
        if self.job != job or self.counters.settled < counters.settled:
            return counters
        return structs.replace(self.counters, base=counters.base, posts=counters.posts)

    def restated(self, counters: Counters) -> Counters | None:
        """
        Return the counters that a ledger goes on with whose newest ones are these, and which lacks
        lines that were there; None if it lacks no posts.  Those of them that the server has taken
        are held by the base from now on, as no line has their files.
        """
        kept = self.counters
        more = kept.posts - counters.posts
        if kept.base + kept.posts <= counters.base + counters.posts or more < 0:
            return None
        taken = max(0, min(more, kept.settled - counters.settled))
        sent = kept.sent
        if isinstance(sent, CountUpdate):
            sent = structs.replace(sent, posts=sent.posts - taken)
        return structs.replace(
            kept,
            base=kept.base + taken,
            posts=kept.posts - taken,
            settled=max(counters.settled, kept.settled - taken),
            sent=sent,
        )

    def has(self, job: int, counters: Counters) -> bool:
        """Return whether these are the numbers, also those that Counters are not compared by."""
        return self.job == job and structs.astuple(self.counters) == structs.astuple(counters)

    def take(self, job: int, counters: Counters) -> None:
        """Have the counters of a job."""
        self.job, self.counters = job, counters


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
    _is_kept = False  # as it is now

    def has(self, ledger: str, job: int, counters: Counters) -> bool:
        """Return whether these numbers of a job are kept beside the ledger with this id."""
        state = self.state
        return self._is_kept and state.ledger == ledger and state.has(job, counters)

    def keep(self) -> None:
        """Write the state as it is now; where that fails, remove the one that is not true."""
        content = msgspec.json.encode(self.state).ljust(_SIZE - 1) + b"\n"
        try:
            fd = os.open(self.path, _WRITING, 0o666)
            try:
                os.pwrite(fd, content, 0)
            finally:
                os.close(fd)
            self.is_unsynced = self._is_kept = True
        except OSError:
            self._is_kept = False
            with suppress(OSError):
                self.path.unlink()

    def _read(self) -> LedgerState:
        with suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(read_file(self.path, _SIZE), type=LedgerState)
        return LedgerState()
