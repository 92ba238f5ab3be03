"""
Requests to Twitter's v1.1 streams, statuses/filter and statuses/sample, signed by OAuth 1.0a.

Knows addresses, parameters, status codes and disconnect codes; not what a message means.  The facts
are those of Twitter's pages "Connecting to a streaming endpoint", "Basic stream parameters" and
"Streaming message types".
"""

from typing import cast
from urllib.parse import urlencode

from msgspec import structs
from oauthlib import oauth1
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tcclient.http.clients import AsItIs
from tcclient.http.explanations import plain_text
from tcclient.runtime.backoff import HTTP_RAMP, Refusal, Trouble
from tcclient.runtime.wallclock import Wall
from tcclient.sources.twitter.between import from_between, is_from_between
from tcclient.sources.twitter_v1.query import Query
from tcclient.sources.twitter_v1.settings import Keys
from tcclient.stream.streamapi import StreamApi

KEEP_ALIVE = 30.0
"""Seconds between two keep-alives of a silent stream."""
STALL_TIMEOUT = 3 * KEEP_ALIVE
"""Seconds without a byte after which a connection is dead: three keep-alives are missing."""

DUPLICATE = Trouble("duplicate", HTTP_RAMP, lingers=600.0)
"""
Another client uses the same credentials: reconnecting at once would only throw it out in turn.
After ten minutes, which is longer than the longest wait of the ramp, the next one starts the ramp
anew.
"""

_KEYS = "Check the four keys of twitter_auth in the settings"
_REFUSALS = {
    401: Refusal(
        Trouble.REFUSED,
        f"{_KEYS}, and this machine's clock: a signature is valid for a few minutes.",
    ),
    403: Refusal(Trouble.REFUSED, "These credentials may not use this stream."),
    404: Refusal(Trouble.REFUSED, "Check twitter.stream_url in the settings: nothing is there."),
    406: Refusal(Trouble.QUERY_REFUSED, "Change the keywords: one of the terms is not accepted."),
    413: Refusal(Trouble.QUERY_REFUSED, "Use fewer keywords or boxes."),
    416: Refusal(Trouble.QUERY_REFUSED, "A parameter is out of the range that is granted."),
    420: Refusal(Trouble.RATE_LIMIT, "Too many connects with these credentials."),
    429: Refusal(Trouble.RATE_LIMIT, "Too many connects with these credentials."),
}
_REDIRECTED = Refusal(
    Trouble.REFUSED, "Check twitter.stream_url in the settings: redirects are not followed."
)
_OTHER_REFUSED = Refusal(Trouble.REFUSED, f"{_KEYS}, and twitter.stream_url.")
_TEMPORARY = Refusal(Trouble.HTTP, "That is Twitter's side, and usually passes.")

_DISCONNECTS: dict[object, tuple[str, Trouble | None]] = {
    1: ("the feed was shut down", None),
    2: ("too many streams use these credentials", DUPLICATE),
    3: ("a control request ended it", None),
    4: ("this client read too slowly", None),
    5: ("a normal end", None),
    6: ("the token was revoked", Trouble.REFUSED),
    7: ("another client connected with the same credentials", DUPLICATE),
    9: ("the end of the messages asked for", None),
    10: ("an error in the stream", None),
    11: ("the broker stalled", None),
    12: ("the load was shed", Trouble.HTTP),
}


def disconnect_meaning(code: object) -> tuple[str, Trouble | None]:
    """
    Return what a disconnect message with this code means, as a clause, and the trouble that it
    announces; None for the ordinary end of a connection.
    """
    return _DISCONNECTS.get(code, (f"code {code!r:.20}", None))


class StatusesApi(StreamApi[Query]):
    """Opens statuses/filter and statuses/sample below one URL, with one set of credentials."""

    def __init__(
        self,
        client: HTTPClient,
        stream_url: str,
        keys: Keys,
        user_agent: str,
        wall: Wall,
        stall_timeout: float = STALL_TIMEOUT,
    ) -> None:
        self._client = client
        self._stream_url = stream_url
        self._keys = keys
        self._user_agent = user_agent
        self._wall = wall
        self.stall_timeout = stall_timeout

    def open(self, query: Query) -> Deferred[IResponse]:
        """Ask for the stream, signed anew.  Fires with the answer, whatever its status."""
        url, headers, body = self._signed(query)
        response = self._client.request(
            "POST",
            AsItIs.from_text(url),
            headers=Headers({name: [value] for name, value in headers.items()}),
            data=body.encode(),
            unbuffered=True,
            allow_redirects=False,
        )
        return cast(Deferred[IResponse], response)  # treq's answer is a proxy of one

    def endpoint(self, query: Query) -> str:
        """Return `statuses/filter`, or `statuses/sample` for the sample of all posts."""
        return "statuses/sample" if query.is_sample else "statuses/filter"

    def refusal(self, status: int, headers: Headers, body: bytes) -> Refusal:
        secrets = structs.astuple(self._keys)
        foreign = is_from_between(status, body)
        meaning = from_between(status, "stream_url") if foreign else _meaning(status)
        return structs.replace(meaning, explanation=plain_text(body, secrets))

    def _signed(self, query: Query) -> tuple[str, dict[str, str], str]:
        keys = self._keys
        signer = oauth1.Client(
            keys.api_key.reveal(),
            client_secret=keys.api_secret.reveal(),
            resource_owner_key=keys.access_token.reveal(),
            resource_owner_secret=keys.access_token_secret.reveal(),
            timestamp=str(int(self._wall())),
        )
        signed: tuple[str, dict[str, str], str] = signer.sign(
            f"{self._stream_url}{self.endpoint(query)}.json",
            http_method="POST",
            body=form(query),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "User-Agent": self._user_agent,
            },
        )
        return signed


def _meaning(status: int) -> Refusal:
    """Return the documented meaning of a status, or that of its class."""
    if status in _REFUSALS:
        return _REFUSALS[status]
    if 300 <= status < 400:
        return _REDIRECTED
    return _OTHER_REFUSED if 400 <= status < 500 else _TEMPORARY


def form(query: Query) -> str:
    """Return the body of a request for `query`, as an HTML form is encoded."""
    fields = {"stall_warnings": "true"}
    if query.track:
        fields["track"] = ",".join(query.track)
    if query.locations:
        fields["locations"] = ",".join(
            f"{degrees:.4f}"
            for box in query.locations
            for degrees in (box.west, box.south, box.east, box.north)
        )
    return urlencode(fields)
