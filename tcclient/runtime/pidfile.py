"""
The pid file of twistd: whether the process that wrote it still runs, which its number cannot tell.

After a power cut, or in a container that is started again, another program may have that number, or
the file is empty.  Whoever writes such a file here holds a lock on it.  Knows Linux's /proc.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from twisted.application.service import Service


class PidFile(Service):
    """Holds the lock on the pid file, if there is one, from the start until the process ends."""

    def __init__(self, path: str | None) -> None:
        self._path = path

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        if self._path is not None:
            with suppress(OSError):  # where it cannot be locked, the number has to do
                fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def why_stale(path: Path, booted: float) -> str:
    """
    Return why no process that wrote the pid file runs any more, as a clause; empty if one may, or
    if that cannot be known.  The machine was started at `booted`, in epoch seconds.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            text = file.read(100).strip(b" \n\0")
            return _why_stale(text, os.fstat(file.fileno()).st_mtime < booted)
    except OSError:  # no file, one that is locked, or no such process: twistd knows what to do
        return ""


def _why_stale(text: bytes, is_older: bool) -> str:
    """
    Return that for the content of a file that nobody has locked, and that `is_older` than the last
    start of the machine.  May raise OSError.
    """
    if not text:
        return "it is empty"
    if not text.isdigit():
        return ""  # it may be anybody's file
    pid = int(text)
    if pid == os.getpid():
        return "it names this process"
    if b"twistd" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        return f"process {pid} is another program"
    # A twistd that locks nothing: another application, or a release that did not.
    if is_older:
        return f"process {pid} is another one, as it was written before this machine was started"
    return ""
