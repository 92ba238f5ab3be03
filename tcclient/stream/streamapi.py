"""What CaptureStream needs to know of an API: how a stream is asked for, and what refusals mean."""

from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tcclient.runtime.refusals import Refusal

Query = TypeVar("Query", contravariant=True)


class StreamApi(Protocol[Query]):
    """An HTTP API that answers a Query with a stream."""

    stall_timeout: float
    """Seconds without a byte, keep-alives included, after which a connection is dead."""

    def open(self, query: Query) -> Deferred[IResponse]:
        """
        Ask for the stream.  Fires with the answer, whatever its status, before its body is read.
        Fails with RefusalError, and with whatever Twisted's HTTP client fails with.
        """

    def endpoint(self, query: Query) -> str:
        """Return the name of the endpoint for `query`, for log and ledger: `statuses/filter`."""

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:
        """Return what an answer with a status other than 200 means.  Never raises."""
