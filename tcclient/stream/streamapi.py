"""
Who CaptureStream asks, and who hears of it: how an API is asked for a stream and what its refusals
mean, and what there is to hear of a stream.
"""

from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse
from txtwitter.error import TwitterAPIError

from tcclient.ledger.endings import Ending
from tcclient.runtime.backoff import Refusal, RefusalError, Trouble
from tcclient.runtime.failures import explain
from tcclient.stream.framing import Overlong

Query = TypeVar("Query", contravariant=True)


class StreamListener(Protocol):
    """Who hears from a stream."""

    def answered(self) -> Deferred[None]:
        """
        Hear that an answer is 200.  Nothing is read over the connection before what is returned
        fires, which must not take long, nor fail unless it is cancelled.
        """
        return succeed(None)

    def opened(self) -> None:
        """Hear that the stream is open: it is read from now on."""

    def heard(self) -> None:
        """
        Hear that the first byte of a connection has come.  Not called for a connection that ends
        with its first bytes, as one does where there are too many.
        """

    def received(self, messages: list[bytes | Overlong]) -> None:
        """Take complete messages, in order."""

    def ended(self, ending: Ending) -> None:
        """Hear that a connection ended, or an attempt to make one failed."""


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
        """Return what another status than 200 means, with no secret in it.  Never raises."""


def failed_attempt(reason: Failure, refusal: Refusal | None) -> Ending:
    """Return why an attempt has failed; `refusal` is what the answer means, if there was one."""
    error = reason.value
    if isinstance(error, RefusalError):
        trouble, refusal = error.refusal.trouble, error.refusal
        return Ending("refused", str(error), trouble, status=error.status, refusal=refusal)
    if not isinstance(error, TwitterAPIError) or refusal is None:
        return Ending("unreachable", explain(reason), Trouble.NETWORK)
    status = int(error.status)
    detail = f"the answer was {status}"
    return Ending("refused", detail, refusal.trouble, status=status, refusal=refusal)
