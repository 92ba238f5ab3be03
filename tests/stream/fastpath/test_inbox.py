"""What a read tells of what is still unread."""

import socket
from select import select
from typing import Any

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from tcclient.stream.fastpath.inbox import SHORT, Inbox

BLOCKED = 0.05
"""Seconds after which a socket of loopback that takes nothing waits for the other side."""


class SocketTransport:
    """As much of a transport as knows its socket."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def getHandle(self) -> Any:
        return self._handle


class InboxTests(SynchronousTestCase):
    def pair(self) -> tuple[socket.socket, socket.socket]:
        """Both ends of a connection over loopback."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
        for one in (ours, theirs):
            self.addCleanup(one.close)
        return ours, theirs

    def test_without_a_socket(self) -> None:
        """Only a short read is known to have left nothing."""
        for transport in (StringTransport(), SocketTransport(None)):
            inbox = Inbox(transport)
            self.assertTrue(inbox.has_all(SHORT - 1))
            self.assertFalse(inbox.has_all(SHORT))

    def test_a_socket_that_is_closed(self) -> None:
        """It has no room that could be asked for."""
        ours, _ = self.pair()
        inbox = Inbox(SocketTransport(ours))
        ours.close()
        self.assertFalse(inbox.has_all(SHORT))
        self.assertFalse(Inbox(SocketTransport(ours)).has_all(SHORT))

    def test_the_other_side_waits(self) -> None:
        """
        As much as the system takes before it has the other side wait is never all: there may be
        more of it.  This is what a rest must not be taken behind.
        """
        ours, theirs = self.pair()
        inbox = Inbox(SocketTransport(ours))
        theirs.setblocking(False)
        for size in (100, 3500, 65536):
            for _ in range(3):
                while select([], [theirs], [], BLOCKED)[1]:
                    theirs.send(b"x" * size)
                waiting = ours.recv(1 << 24, socket.MSG_PEEK)
                self.assertFalse(inbox.has_all(len(waiting)), (size, len(waiting)))
                ours.recv(len(waiting))

    def test_the_room_grows_with_what_comes(self) -> None:
        """Where a read was a part of it, more than a short one is known to be all."""
        ours, theirs = self.pair()
        inbox = Inbox(SocketTransport(ours))
        for _ in range(200):
            theirs.sendall(b"x" * (SHORT - 1))
            left = SHORT - 1
            while left:
                left -= len(ours.recv(left))
        self.assertTrue(inbox.has_all(SHORT))
