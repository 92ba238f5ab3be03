"""The socket at which a supervisor listens to a process."""

import socket
import tempfile
from pathlib import Path
from typing import Any


class Notified:
    """A datagram socket for the time of a `test`, at an `address` once it is bound."""

    def __init__(self, test: Any) -> None:
        # The name of such a socket has at most 108 bytes.
        folder = tempfile.TemporaryDirectory(prefix="tcc")
        test.addCleanup(folder.cleanup)
        self.address = str(Path(folder.name) / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        test.addCleanup(self._socket.close)
        self._socket.setblocking(False)

    def bind(self, address: str = "") -> None:
        """Listen, at its address or another one."""
        self._socket.bind(address or self.address)

    def heard(self) -> list[str]:
        """What has come since the last time."""
        found = []
        while True:
            try:
                found.append(self._socket.recv(1 << 16).decode())
            except BlockingIOError:
                return found
