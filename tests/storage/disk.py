"""Disks that refuse and processes that hold a file: what the tests of the files share."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

import tcclient
from tcclient.runtime.threads import Threads

T = TypeVar("T")

NOBODY = 65534

_HOLD = """
import sys
from pathlib import Path
from twisted.internet.task import Clock
from tcclient.ledger.ledgerfile import Ledger
ledger = Ledger(Path(sys.argv[1]), Clock().seconds)
print("held", flush=True)
sys.stdin.read()
"""

_LOCK = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """
    No file of this process grows beyond `size` meanwhile: the system cuts the write that crosses
    it and refuses the next, as it does on a full disk.  Log nothing meanwhile.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_larger_writes(size: int) -> Iterator[None]:
    """The system takes no more at once, as if no file could have more; a log may be written."""
    writev = os.writev

    def limited(fd: int, blocks: Sequence[bytes]) -> int:
        if sum(map(len, blocks)) > size:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return writev(fd, blocks)

    os.writev = limited
    try:
        yield
    finally:
        os.writev = writev


@contextmanager
def full(path: Path, room: int = 0) -> Iterator[None]:
    """
    The disk has no more than `room` bytes left for the file there meanwhile.  The system writes as
    much as there is room for, and refuses the next piece.
    """
    there, most = path.stat(), path.stat().st_size + room
    writev, write = os.writev, os.write

    def limited(fd: int, data: bytes) -> int:
        status = os.fstat(fd)
        if os.path.samestat(status, there):
            data = data[: max(0, most - status.st_size)]
            if not data:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    os.write, os.writev = limited, lambda fd, blocks: limited(fd, b"".join(blocks))
    try:
        yield
    finally:
        os.write, os.writev = write, writev


@contextmanager
def in_the_way(folder: Path) -> Iterator[None]:
    """A file stands where the folder belongs meanwhile: no file of it can be made or finished."""
    moved = folder.with_name(folder.name + "-moved")
    folder.rename(moved)
    folder.write_text("in the way")
    try:
        yield
    finally:
        folder.unlink()
        moved.rename(folder)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Permissions count meanwhile, though root runs the tests: what is root's is another's then."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def held_by_another_process(
    ledger: Path,
) -> "AbstractContextManager[subprocess.Popen[str]]":
    """Another process has that ledger open, alone."""
    return _held(_HOLD, ledger)


def locked_by_another_program(file: Path) -> "AbstractContextManager[subprocess.Popen[str]]":
    """A program that is no client has that file locked."""
    return _held(_LOCK, file)


@contextmanager
def _held(code: str, path: Path) -> Iterator["subprocess.Popen[str]"]:
    root = str(Path(tcclient.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, "PYTHONPATH": root},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process, process.stdin, process.stdout:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


class Acts(Threads):
    """Threads whose work is done when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []

    def __call__(self, act: Callable[[], T]) -> Deferred[T]:
        """Keep the work.  Return a Deferred that fires when do() has done it."""
        done: Deferred[T] = Deferred()
        self.waiting.append((act, done))
        return done

    def do(self, error: OSError | None = None) -> None:
        """Do the oldest piece of work, and let it fail with `error` if there is one."""
        act, done = self.waiting.pop(0)
        result = act()
        done.errback(error) if error else done.callback(result)

    def do_all(self) -> None:
        """Do all of it, and what follows from that."""
        while self.waiting:
            self.do()


class SlowDisk(Acts):
    """It answers when the test says so, or from then on at once."""

    answers = False

    def __call__(self, act: Callable[[], T]) -> Deferred[T]:
        done = super().__call__(act)
        if self.answers:
            self.do_all()
        return done


def refuse_links(source: Path, target: Path) -> None:
    """link() of a file system that has no hard links; Linux answers this on vfat."""
    raise PermissionError(errno.EPERM, "Operation not permitted", str(source), None, str(target))


def contents(folder: Path) -> dict[str, bytes]:
    """What is in each file below a folder, but for what is kept beside ledgers."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".state"
    }


@contextmanager
def calls_noted(*names: str) -> Iterator[list[str]]:
    """The names of the system's functions, of those asked for, in the order of their calls."""
    noted: list[str] = []

    def note(frame: FrameType, event: str, function: object) -> None:
        name = getattr(function, "__name__", "")
        if event == "c_call" and name in names:
            noted.append(name)

    sys.setprofile(note)
    try:
        yield noted
    finally:
        sys.setprofile(None)
