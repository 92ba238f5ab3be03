"""The sources of posts, behind one small protocol."""

from typing import Protocol

import attrs
from twisted.internet.defer import Deferred
from twisted.web.iweb import IResponse

from tcclient.backoff import Trouble
from tcclient.keywords import Limits, Query


@attrs.frozen
class Refusal:
    """What an HTTP status other than 200 means: for the next connect, and for the user."""

    trouble: Trouble
    advice: str


class Source(Protocol):
    """Where posts come from: how to ask, and what the answers mean."""

    limits: Limits
    stall_timeout: float
    """Seconds without a byte, keep-alives included, after which a connection is dead."""

    def open(self, query: Query) -> Deferred[IResponse]:
        """
        Ask for the stream.  Fires with the answer, whatever its status; the body is not read.
        Fails with what Twisted's HTTP client fails with.
        """

    def endpoint(self, query: Query) -> str:
        """Where `query` is asked, for log and ledger: `statuses/filter`."""

    def refusal(self, status: int) -> Refusal:
        """What to make of a status other than 200."""

    def disconnect(self, code: object) -> tuple[str, Trouble | None]:
        """
        What a disconnect message with this code means, and the trouble it announces; None where
        it is an ordinary end of the connection.
        """
