"""The sources of posts, behind one small protocol."""

from typing import Protocol, TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tcclient.runtime.backoff import Trouble


@attrs.frozen
class Refusal:
    """
    What an answer other than 200 means: for the next connect, and for the user.

    `advice` says what to do, in a sentence; `explanation` what the other side said; `at_least` is
    the shortest wait in seconds that it asks for.
    """

    trouble: Trouble
    advice: str
    explanation: str = ""
    at_least: float = 0.0


class RefusalError(Exception):
    """
    Something was refused that has to be had before the stream can be asked for.  str() is a clause
    on what, `refusal` what it means.
    """

    def __init__(self, reason: str, refusal: Refusal) -> None:
        super().__init__(reason)
        self.refusal = refusal


Query = TypeVar("Query", contravariant=True)


class Codes(Protocol):
    """What a source's own words mean."""

    def disconnect(self, code: object) -> tuple[str, Trouble | None]:
        """
        What a disconnect message with this code means, and the trouble it announces; None where
        it is an ordinary end of the connection.
        """


class Source(Codes, Protocol[Query]):
    """Where posts come from: how to ask, and what the answers mean."""

    stall_timeout: float
    """Seconds without a byte, keep-alives included, after which a connection is dead."""

    def open(self, query: Query) -> Deferred[IResponse]:
        """
        Ask for the stream.  Fires with the answer, whatever its status; the body is not read.
        Fails with RefusalError, and with what Twisted's HTTP client fails with.
        """

    def endpoint(self, query: Query) -> str:
        """Where `query` is asked, for log and ledger: `statuses/filter`."""

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:
        """What to make of a status other than 200.  Never raises, whatever the body."""
