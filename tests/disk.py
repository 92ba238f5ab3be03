"""Disks that refuse and processes that hold a file: what the tests of the files share."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tcclient

_HOLD = """
import sys
from pathlib import Path
from twisted.internet.task import Clock
from tcclient.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]), Clock())
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
def held_by_another_process(ledger: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process has that ledger open, alone."""
    root = str(Path(tcclient.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(ledger)],
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


def refuse_links(source: Path, target: Path) -> None:
    """link() of a file system that has no hard links; Linux answers this on vfat."""
    raise PermissionError(errno.EPERM, "Operation not permitted", str(source), None, str(target))


def contents(folder: Path) -> dict[str, bytes]:
    """What is in each file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
