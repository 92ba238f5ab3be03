"""
The account beside the data: one JSON object a line, append-only, newest last.

Knows how lines are kept and found again; what they can say is in `entries`.
"""

import errno
import fcntl
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime

from tcclient.appending import append
from tcclient.entries import Entry, LedgerRepaired, moment
from tcclient.tally import Account

_BLOCK = 1 << 16


class LedgerInUse(Exception):
    """Another process holds this ledger: it captures into the same folder."""


class Ledger:
    """
    An open ledger file.  Where `alone` is true, this process is the only one that has it open;
    the system releases the lock when the process dies.

    Raises OSError where the file or its folder cannot be made, LedgerInUse where another has it.
    """

    def __init__(self, path: Path, clock: IReactorTime, *, alone: bool = True) -> None:
        self.path = path
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if alone:
                self._lock()
                self._cut_torn_tail()
        except BaseException:
            os.close(self._fd)
            raise

    def write(self, entry: Entry, job: int | None = None) -> None:
        """Append a line: the time, and what the entry says.  Where it raises OSError, none is."""
        kind, *others = entry.members().items()
        about = {} if job is None else {"job": job}
        members = {"at": moment(self._clock.seconds()), **dict([kind]), **about, **dict(others)}
        line = json.dumps(members).encode() + b"\n"
        append(self._fd, [line if self._ends_whole() else b"\n" + line])

    def newest_first(self) -> Iterator[dict[str, Any]]:
        """The lines, from the last one backwards; lines that cannot be read are passed over."""
        for raw in _lines_backwards(self._fd):
            try:
                line = json.loads(raw)
            except (ValueError, RecursionError):
                continue
            if isinstance(line, dict):
                yield line

    def account(self, job: int) -> Account | None:
        """The last known numbers of `job`; None where it has never been accounted for here."""
        return next((account for owner, account in self.accounts() if owner == job), None)

    def accounts(self) -> Iterator[tuple[int, Account]]:
        """(job, its numbers from then on), newest first."""
        for line in self.newest_first():
            job, account = line.get("job"), _account(line.get("account"))
            if isinstance(job, int) and account is not None:
                yield job, account

    def close(self) -> None:
        """Let go of the file, and of the lock."""
        os.close(self._fd)

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            if e.errno in (errno.EAGAIN, errno.EACCES):
                raise LedgerInUse(str(self.path)) from e
            raise

    def _ends_whole(self) -> bool:
        """False where another process died, or the disk filled up, within a line."""
        size = os.fstat(self._fd).st_size
        return size == 0 or os.pread(self._fd, 1, size - 1) == b"\n"

    def _cut_torn_tail(self) -> None:
        size = os.fstat(self._fd).st_size
        tail = next(_lines_backwards(self._fd, whole_only=False), b"")
        if tail and not tail.endswith(b"\n"):
            os.ftruncate(self._fd, size - len(tail))
            self.write(LedgerRepaired(cut_bytes=len(tail)))


def _account(value: object) -> Account | None:
    if not isinstance(value, dict):
        return None
    numbers: list[Any] = [value.get(field.name) for field in attrs.fields(Account)]
    return Account(*numbers) if all(type(number) is int for number in numbers) else None


def _lines_backwards(fd: int, *, whole_only: bool = True) -> Iterator[bytes]:
    """Lines of a file from the last to the first; a last one without newline only if asked for."""
    position = os.fstat(fd).st_size
    held = b""
    at_end = True
    while position > 0:
        step = min(_BLOCK, position)
        position -= step
        lines = io.BytesIO(os.pread(fd, step, position) + held).readlines()
        held = lines.pop(0) if position > 0 else b""
        for line in reversed(lines):
            if line.endswith(b"\n") or not (at_end and whole_only):
                yield line
            at_end = False
