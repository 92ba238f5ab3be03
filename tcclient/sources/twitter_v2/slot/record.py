"""
The file that says which connection at X was this client's last, held by the process that opened it.

Knows the file and its lock, which ends with the process however it ends; asks nobody.
"""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct, structs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.runtime.failures import explain_os
from tcclient.runtime.threads import Threads
from tcclient.storage.latest import Latest

log = Logger()

_MAX_BYTES = 1 << 12
LAST = 1.0
"""Seconds that an end waits for the disk."""


class ConnectionRecord(Struct, frozen=True):
    """
    The last connection: its endpoint, when it was `opened` (epoch seconds by this machine's clock),
    its id at X, empty until X has told it, and the address that X saw at it or at the one before.
    `earlier` is the id that was noted before it, of a connection that may keep the slot still.
    `holder` says in which file this was written: what stands in a copy is of a client that may run.
    """

    endpoint: str = ""
    opened: float = 0.0
    id: str = ""
    client_ip: str = ""
    earlier: str = ""
    holder: str = ""


def connection_path(base_dir: Path, key: str) -> Path:
    """Return the path of the file of one client of the server for which `key` stands."""
    return base_dir / f"tcc.connection.{key}.json"


class RecordFile:
    """
    The file of this installation, which is written by `threads`; `last` is what it says or will,
    nothing where it says nothing or is a copy.  Never raises: what cannot be kept is logged, and a
    connection that is not known is nobody's to end.
    """

    def __init__(
        self, path: Path, installation: str, threads: Threads, clock: IReactorTime
    ) -> None:
        self._fd = -1
        self._is_closing = False
        self._file = Latest(self._writing, threads, clock, lambda refusal: None)
        self.last = ConnectionRecord()
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as e:
            log.warn("{path} cannot be kept: {why}.", path=str(path), why=explain_os(e))
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another process holds it, or locks do not work there
            os.close(fd)
            return
        self._fd = fd
        # A copy on this machine has the same installation, one elsewhere may have the same inode.
        self._holder = f"{installation}:{os.fstat(fd).st_ino}"
        with suppress(OSError, msgspec.MsgspecError):
            found = msgspec.json.decode(os.pread(fd, _MAX_BYTES, 0), type=ConnectionRecord)
            if found.holder == self._holder:
                self.last = found

    @property
    def is_held(self) -> bool:
        """Whether no other process has it, so that the last connection is of one that has gone."""
        return self._fd >= 0 and not self._is_closing

    def write(self, record: ConnectionRecord) -> None:
        """Replace what the file says, for a process that starts after this one was killed."""
        self.last = record
        if self.is_held:
            self._file.renew()

    def close(self) -> Deferred[None]:
        """
        Let the next process have it, once what was written is there.  Fires then, or after LAST.
        """
        if self.is_held:
            self._is_closing = True
            self._file.renew()
        return self._file.written(LAST)

    def _writing(self) -> Callable[[], object]:
        """Return what writes the record, or ends all that."""
        fd, is_last = self._fd, self._is_closing
        data = msgspec.json.encode(structs.replace(self.last, holder=self._holder))

        def act() -> None:
            with suppress(OSError):  # then the next process does not know the connection
                os.ftruncate(fd, os.pwrite(fd, data, 0))
            if is_last:
                os.close(fd)

        return act
