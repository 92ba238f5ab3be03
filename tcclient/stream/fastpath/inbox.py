"""
How much the system keeps of what a stream's socket has not read, before the other side has to wait.

Knows sockets and Linux; does not know when they are read.
"""

import socket
import struct
from contextlib import suppress
from typing import Any

SHORT = 1 << 15
"""
Bytes.  A shorter read has left nothing unread, neither in the socket nor with the other side: one
that waits for room here, which begins with 64 kB on Linux (tcp_rmem), sends more at once when there
is some.  With a bound of 128 kB some posts waited for three rests, 240 ms.
"""

ROOM = 1 << 20
"""Bytes that are asked for, so that a rest at hundreds of posts a second fills no socket."""

_SO_BUF_LOCK = 72
"""Option of Linux 5.16: whether the size of a buffer that was asked for is its size for good."""
_WINDOW = struct.Struct("64xI")
"""Where `struct tcp_info` of <linux/tcp.h> has tcpi_rcv_ssthresh."""


class Inbox:
    """The room of a transport; where nothing can be known of it, as in memory, the least."""

    def __init__(self, transport: Any) -> None:
        handle = getattr(transport, "getHandle", lambda: None)()
        self._socket = handle if isinstance(handle, socket.socket) else None
        if self._socket is not None:
            with suppress(OSError):  # before Linux 5.16 the room could not grow beyond this again
                self._socket.getsockopt(socket.SOL_SOCKET, _SO_BUF_LOCK)
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
                self._socket.setsockopt(socket.SOL_SOCKET, _SO_BUF_LOCK, 0)

    def has_all(self, size: int) -> bool:
        """
        Return whether a read of so many bytes has left nothing unread: the other side could have
        sent as many again.
        """
        return size < SHORT or size < self._window() // 2

    def _window(self) -> int:
        """Return how many bytes the other side may send before something is read."""
        if self._socket is None:
            return 0
        with suppress(OSError, struct.error):
            told = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _WINDOW.size)
            [window] = _WINDOW.unpack(told)
            return int(window)
        return 0
