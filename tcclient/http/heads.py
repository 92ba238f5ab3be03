"""
The head of an answer, before Twisted's HTTP client gets it: bounded, and cleaned of what that
client cannot read.

Twisted bounds each line of a head, but not how many there are.  Knows how a protocol is put in
front of another by Twisted's public wrappers; a connection carries one answer, unless it is kept.
"""

import re
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from tcclient.runtime.failures import UnreadableAnswer

MOST_HEAD = 1 << 16
"""Bytes of the longest head; servers and browsers take 8 to 64 KiB."""

HeadMaker = Callable[[Any, IProtocol], ProtocolWrapper]
"""Makes what stands in front of a protocol that a factory has made."""

_END = re.compile(rb"\n\r?\n")
_INFORMATIONAL = re.compile(rb"HTTP/1\.[01] 1\d\d\b")  # another head follows
_IDENTITY = re.compile(rb"(?im)^transfer-encoding:[ \t]*identity[ \t]*\r?\n")
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")  # an alert, and a handshake


class HeadReader(ProtocolWrapper):
    """
    The protocol in front of the HTTP client.  It keeps the head of an answer until that is there,
    and passes everything else on.  Where there is no head the client gets UnreadableAnswer.
    """

    def __init__(self, factory: Any, client: IProtocol) -> None:
        super().__init__(factory, client)
        self._head: bytearray | None = bytearray()
        self._broken: UnreadableAnswer | None = None

    def dataReceived(self, data: bytes) -> None:
        if self._head is None or self._broken is not None:
            return
        looked, begin = max(0, len(self._head) - 3), 0
        came, self._head = self._head + data, bytearray()
        while self._head is not None:
            end = self._end_of_head(came, begin, looked)
            if end is None:
                self._head = came[begin:]
                return
            self._pass_on(bytes(came[begin:end]))
            begin = end
        if begin < len(came):
            self.dataReceived(bytes(came[begin:]))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._broken is not None:
            reason = Failure(self._broken)
        elif self._head:
            self._pass_on(bytes(self._head))  # the client says what is wrong with it
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # not annotated

    def _end_of_head(self, came: bytearray, begin: int, looked: int) -> int | None:
        """
        Return where the head that begins there ends, None if that has not come; end the connection
        if it will not.  There is no end in the first bytes that have been `looked` through.
        """
        end = _END.search(came, max(begin, looked))
        if came.startswith(_TLS_RECORDS, begin):
            self._break("TLS is spoken there: an address that begins with https:// may be meant")
        elif (end.end() if end else len(came)) - begin > MOST_HEAD:
            self._break(f"the head of the answer is longer than {MOST_HEAD >> 10} KiB")
        elif end:
            return end.end()
        return None

    def _pass_on(self, head: bytes) -> None:
        """Pass on a head; behind any but an informational one everything comes as it is."""
        if not _INFORMATIONAL.match(head):
            self._head = None
            self.dataReceived = self.wrappedProtocol.dataReceived  # type: ignore[method-assign]
        cleaned = self._cleaned(head)
        super().dataReceived(cleaned)  # type: ignore[no-untyped-call]  # not annotated

    def _cleaned(self, head: bytes) -> bytes:
        """Return the head as the client can read it."""
        return _IDENTITY.sub(b"", head)  # it says that nothing was done: RFC 2616, 3.6

    def _break(self, why: str) -> None:
        self._broken = UnreadableAnswer(why)
        cast(Any, self.transport).abortConnection()


@implementer(IStreamClientEndpoint)
class Wrapping:
    """
    An endpoint that puts a wrapper in front of the protocol it connects; the factory does not know.
    """

    def __init__(self, endpoint: IStreamClientEndpoint, wrapper: HeadMaker) -> None:
        self._endpoint = endpoint
        self._wrapper = wrapper

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        factory = WrappingFactory(protocolFactory)
        factory.noisy = False
        factory.protocol = self._wrapper
        connecting = cast(Deferred[Any], self._endpoint.connect(factory))
        return connecting.addCallback(lambda made: cast(IProtocol, made.wrappedProtocol))
