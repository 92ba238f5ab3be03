"""
What a client knows of how it is, for whoever asks: in its memory, and in a file below its base_dir.

Knows the file, and that whoever runs has it locked; judges nothing.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from tcclient.health.facts import ClientFacts
from tcclient.ledger.locks import LedgerInUse, is_in_use, lock
from tcclient.runtime.appending import leads_to
from tcclient.runtime.blackboard import Blackboard, may_have_blackboard, read_blackboard
from tcclient.runtime.fixedfiles import read_file
from tcclient.runtime.needs import holder_of
from tcclient.runtime.threads import Threads

NAME = ".tcc.health"
"""Name of the file in base_dir, and in memory."""

_PAGE = 4096
"""The file has a multiple of so many bytes, which a full disk has had room for before."""

_MOST = 64 << 20
"""Bytes that are read of it; a capture has some hundred."""

_LOOKS = 3
"""A file in which so many looks find nothing new is no client's, whoever has it locked."""

_TRIES = 5
"""How often the file is read before it is taken for damaged: it may be written at that moment."""


class HealthMark:
    """
    What a client that runs knows: in its memory, whatever the disk does, and in the file, which it
    has locked until it ends or dies.  What is kept is written over what was there, in one of
    `threads`.  No method raises OSError: those who can read neither the memory nor the file know
    less, and that it is old tells them that the disk takes nothing.
    """

    def __init__(self, base_dir: Path, threads: Threads) -> None:
        self._path = base_dir / NAME
        self._threads = threads
        self._board = Blackboard(NAME)
        self._fd: int | None = None
        self._is_busy = False
        self._seen, self._looks = 0, 0  # when a file that another has locked was written, and since

    def begin(self) -> None:
        """Lock the file, and have nothing in it yet.  Done later if that cannot be done now."""
        self._board.write(b"")
        self._do(self._open)

    def keep(self, facts: ClientFacts) -> None:
        """Write these facts; into the file unless those before are still being written."""
        content = msgspec.json.encode(facts)
        self._board.write(content)
        self._do(partial(self._write, content))

    def end(self) -> Deferred[None]:
        """Remove the file: the client ends on purpose.  Fires when that is done or cannot be."""
        self._board.close()
        return self._do(self._remove)

    def _do(self, act: Callable[[], None]) -> Deferred[None]:
        """Do something with the file, unless the disk has not done what came before."""
        if self._is_busy:
            return succeed(None)
        self._is_busy = True
        return self._threads(act).addBoth(self._done)

    def _done(self, result: Failure | None) -> None:
        self._is_busy = False
        if result is not None:
            result.trap(OSError)

    def _open(self) -> None:
        if self._fd is not None and leads_to(self._path, self._fd):
            return
        self._close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self._lock(fd)
            os.ftruncate(fd, 0)
            os.utime(fd)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd

    def _lock(self, fd: int) -> None:
        """
        Lock the file.  Raises LedgerInUse if somebody else has; one that is no client does not keep
        this one from it: the file is removed then, and another one is made next time.
        """
        try:
            lock(fd, self._path)
        except LedgerInUse:
            written = os.fstat(fd).st_mtime_ns
            self._looks = self._looks + 1 if written == self._seen else 1
            self._seen = written
            if self._looks >= _LOOKS:
                self._path.unlink()
            raise

    def _write(self, content: bytes) -> None:
        self._open()
        if self._fd is not None:
            size = -(-(len(content) + 1) // _PAGE) * _PAGE
            os.pwrite(self._fd, content.ljust(size - 1) + b"\n", 0)
            if os.fstat(self._fd).st_size > size:
                os.ftruncate(self._fd, size)

    def _remove(self) -> None:
        if self._fd is not None and leads_to(self._path, self._fd):
            self._path.unlink()
        self._close()

    def _close(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)


class LastFacts(msgspec.Struct, frozen=True):
    """
    What a client has written last, None for nothing yet, `at` epoch seconds; `is_held` says that it
    runs.
    """

    facts: ClientFacts | None
    at: float
    is_held: bool


def last_facts(base_dir: Path) -> LastFacts | None:
    """
    Return what the client below a base_dir knew last: by its memory if this process may look at
    that, or else by its file.  None if none runs, or has died, there.
    """
    path = base_dir / NAME
    with suppress(OSError):
        is_held, at = is_in_use(path) and _is_by_client(path), path.stat().st_mtime
        facts = _in_memory(path) if is_held else None
        if facts is not None:
            return LastFacts(facts, facts.now, is_held)
        for _ in range(_TRIES):
            facts = _decoded(read_file(path, _MOST))
            if facts is not None:
                break
        return LastFacts(facts, at, is_held)
    return None


def _in_memory(path: Path) -> ClientFacts | None:
    """Return what the process that has the file locked shows; None if that cannot be seen."""
    process = holder_of(path)
    content = None if process is None else read_blackboard(process, NAME)
    return None if content is None else _decoded(content)


def _is_by_client(path: Path) -> bool:
    """Return whether the process that has the file locked is a client, as far as can be seen."""
    process = holder_of(path)
    return process is None or may_have_blackboard(process, NAME)


def _decoded(content: bytes) -> ClientFacts | None:
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(content, type=ClientFacts)
    return None
