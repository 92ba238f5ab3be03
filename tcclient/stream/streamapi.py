"""
What the life of a stream needs of the API that it is asked for: how to ask, and what answers mean.
"""

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
        Ask for the stream.  Fires with the answer, whatever its status; the body is not read.
        Fails with RefusalError, and with what Twisted's HTTP client fails with.
        """

    def endpoint(self, query: Query) -> str:
        """Return where `query` is asked, for log and ledger: `statuses/filter`."""

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:
        """Return what a status other than 200 means.  Never raises, whatever the body."""
