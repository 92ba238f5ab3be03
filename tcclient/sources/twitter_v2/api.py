"""
Requests to the streams of X API v2, the filtered one and the sample, with a bearer token.

Knows addresses, parameters and disconnect types; the requests about rules are in `rules.api`, and
what a refusal means is known to `problems`.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec import Struct
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tcclient.http.bodies import abandon
from tcclient.runtime.backoff import Refusal, Trouble
from tcclient.runtime.failures import one_line
from tcclient.sources.twitter_v2.backfill import Backfill
from tcclient.sources.twitter_v2.bearer import Bearer
from tcclient.stream.streamapi import StreamApi

log = Logger()

KEEP_ALIVE = 20.0
"""Seconds between two keep-alives of a silent stream, at most."""
STALL_TIMEOUT = 30.0
"""
Seconds without a byte after which a connection is dead: a keep-alive may be late by half its
interval.
"""


class StreamQuery(Struct, frozen=True):
    """What to open: the stream of what all rules match, or the sample of all posts."""

    is_sample: bool = False

    def __str__(self) -> str:
        return "the sample of all posts" if self.is_sample else "what the rules match"


class PostsApi(StreamApi[StreamQuery]):
    """Opens the streams by `client`, with one bearer token."""

    def __init__(
        self,
        client: HTTPClient,
        bearer: Bearer,
        parameters: Mapping[str, str],
        stall_timeout: float = STALL_TIMEOUT,
        backfill: Backfill | None = None,
    ) -> None:
        self._client = client
        self._bearer = bearer
        self._parameters = parameters
        self.stall_timeout = stall_timeout
        self.backfill = backfill or Backfill(wanted=False)

    def open(self, query: StreamQuery) -> Deferred[IResponse]:
        """
        Ask for the stream.  Fires with the answer, whatever its status.  A bought token that X
        refuses is replaced by a new one, once; and X is asked once more without backfill where it
        does not give that.
        """
        return Deferred.fromCoroutine(self._open(query))

    def endpoint(self, query: StreamQuery) -> str:
        """Return `tweets/search/stream`, or `tweets/sample/stream` for the sample."""
        return "tweets/sample/stream" if query.is_sample else "tweets/search/stream"

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:
        return self._bearer.meaning(status, headers, body)

    async def _open(self, query: StreamQuery) -> IResponse:
        minutes = 0 if query.is_sample else self.backfill.minutes(self._bearer.clock.seconds())
        response = await self._request(query, minutes)
        if minutes and response.code in (400, 403):
            abandon(response)
            response = await self._request(query, 0)
            if response.code == 200:
                minutes = 0
                self.backfill.refused()
                log.warn("X does not give backfill to this app; it is not asked for again.")
        self.backfill.asked = minutes or None
        return response

    async def _request(self, query: StreamQuery, minutes: int) -> IResponse:
        parameters = dict(self._parameters)
        if minutes:
            parameters["backfill_minutes"] = str(minutes)
        url = f"{self._bearer.api_url}2/{self.endpoint(query)}?{urlencode(parameters)}"
        return await self._bearer.ask(self._client, "GET", url)


_LONGEST_DETAIL = 120
_DISCONNECTS: dict[str, tuple[str, Trouble | None]] = {
    "OperationalDisconnect": ("an operational disconnect", None),
    "UpstreamOperationalDisconnect": ("an operational disconnect upstream", None),
    "UpstreamUncleanDisconnect": ("a fault upstream", None),
    "ForceDisconnect": ("a forced disconnect: the app or its plan has changed", Trouble.HTTP),
    "SlowReader": ("this client read too slowly", None),
    "InternalError": ("a fault of X", Trouble.HTTP),
    "ClientApplicationStateDegraded": ("the app's plan no longer allows it", Trouble.REFUSED),
    "InvalidRules": ("rules that are not valid", Trouble.HTTP),
}


def disconnect_meaning(disconnect_type: str | None, detail: str = "") -> tuple[str, Trouble | None]:
    """
    Return what X means by a disconnect_type, as a clause, and the trouble that it announces; None
    for the ordinary end of a connection.  `disconnect_type` is None where X gives none, and has
    nothing but words, the `detail`.
    """
    known = _DISCONNECTS.get(disconnect_type or "")
    if known is not None:
        return known
    if disconnect_type is not None:
        return one_line(disconnect_type)[:60], None
    return repr(one_line(detail)[:_LONGEST_DETAIL]) if detail else "without saying why", None
