"""
Inflates a body that is compressed by gzip, and need not end, in pieces of bounded size.

treq's own decoder inflates a whole read at once, however much that is, and after a corrupt byte it
never reports the end of the connection (observed with Twisted 26.10).  So the content coding is
hidden from treq, and decoded here: where the extra `fast` is installed by zlib-ng, in two thirds of
the time that zlib takes.  Knows no messages.
"""

import zlib
from collections.abc import Iterator

from twisted.internet.defer import Deferred
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

try:
    from zlib_ng.zlib_ng import decompressobj, error
except ModuleNotFoundError:
    from zlib import decompressobj, error

PIECE = 1 << 17
"""Most bytes that are inflated at once."""

HIDDEN = "X-Hidden-Content-Encoding"
"""The header that has the content coding of an answer instead of Content-Encoding."""


@implementer(IAgent)
class HideCoding:
    """An agent whose answers carry Content-Encoding under the name HIDDEN."""

    def __init__(self, agent: IAgent) -> None:
        self._agent = agent

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        return self._agent.request(method, uri, headers, bodyProducer).addCallback(_hide)


def _hide(response: IResponse) -> IResponse:
    """Move the content coding of `response` to the header HIDDEN, and return the response."""
    # As bytes: Twisted fails to decode a value that is not UTF-8, and nobody would hang up then.
    codings = response.headers.getRawHeaders(b"Content-Encoding", [])
    response.headers.removeHeader("Content-Encoding")
    response.headers.setRawHeaders(HIDDEN.encode(), codings)
    return response


def decoder_for(response: IResponse) -> "Gunzip | None":
    """Return what inflates a body, None if it is plain.  Raises ValueError for other codings."""
    codings = response.headers.getRawHeaders(HIDDEN.encode(), [])
    coding = b", ".join(codings).decode("ascii", "backslashreplace").strip().lower()
    if coding in ("", "identity"):
        return None
    if coding in ("gzip", "x-gzip"):
        return Gunzip()
    raise ValueError(f"the stream has the unknown content coding {coding[:50]!r}")


class Gunzip:
    """Inflates what it is fed bit by bit, one gzip member after the other."""

    def __init__(self) -> None:
        self._inflate = decompressobj(16 + zlib.MAX_WBITS)
        self.is_complete = False
        """Whether what has been fed ends where a member does."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield pieces of at most PIECE bytes.  Raises zlib.error at the first corrupt byte."""
        try:
            yield from self._feed(data)
        except error as e:
            raise zlib.error(str(e)) from e

    def _feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            piece = self._inflate.decompress(data, PIECE)
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail
            self.is_complete = self._inflate.eof and not self._inflate.unused_data
            if self._inflate.eof:
                data = self._inflate.unused_data
                self._inflate = decompressobj(16 + zlib.MAX_WBITS)
            elif not data and len(piece) == PIECE:
                yield from self._rest()

    def _rest(self) -> Iterator[bytes]:
        """Yield what may still be inside the decoder after a piece of exactly PIECE bytes."""
        while piece := self._inflate.decompress(b"", PIECE):
            yield piece
