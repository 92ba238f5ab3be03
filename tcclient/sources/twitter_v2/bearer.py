"""
The bearer token of X API v2: given in the settings, or bought with the app's key and secret.

Knows the token endpoint, and how a request carries the token; not what else is asked for.
"""

import base64
from typing import cast
from urllib.parse import quote

import msgspec
from treq.client import HTTPClient
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse

from tcclient.http.bodies import TooLong, abandon, read_beginning, read_body
from tcclient.http.clients import AsItIs
from tcclient.runtime.backoff import Refusal, RefusalError, Trouble
from tcclient.runtime.secrets import Secret
from tcclient.runtime.secrets import secret as fit_for_header
from tcclient.runtime.wallclock import Wall
from tcclient.sources.twitter_v2 import problems

TIMEOUT = 20.0
"""Seconds in which the token endpoint has to answer."""
MOST_BYTES = 1 << 16
"""Bytes of the token endpoint's answer that are read."""
MOST_EXPLANATION = 4000
"""Bytes of a refusal that are read."""

_KEYS = "Check api_key and api_secret in the settings: X gives no bearer token for them."
_NO_KEYS = Refusal(Trouble.REFUSED, "Set twitter_auth.bearer_token, or api_key and api_secret.")
_NO_TOKEN_IN_IT = Refusal(
    Trouble.HTTP,
    "That is X's side, and usually passes; or twitter.api_url in the settings is wrong.",
)


class NoToken(RefusalError):
    """Raised when no token could be bought."""


class Bearer(msgspec.Struct):
    """
    A bearer token for what is below `api_url`, bought by `client` when it is first needed unless it
    is given; a given one is never replaced.  `wall` returns the date, because X says by date when a
    limit ends.
    """

    client: HTTPClient
    api_url: str
    _key: Secret | None
    _secret: Secret | None
    _given: Secret | None
    _user_agent: str
    clock: IReactorTime
    wall: Wall
    _bought: Secret | None = None
    _dead: Secret | None = None
    _buying: DeferredLock = msgspec.field(default_factory=DeferredLock)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The token and whatever buys it: none of them may be shown."""
        known = (self._key, self._secret, self._basic(), self._given, self._bought, self._dead)
        return tuple(secret for secret in known if secret is not None)

    async def ask(
        self, client: HTTPClient, method: str, url: str, json_body: bytes | None = None
    ) -> IResponse:
        """
        Return the answer to a request with the token, whatever its status.  Where X refuses a
        bought token it has done nothing, so that the request is made again, once, with a new one.
        Raises NoToken, and what Twisted's HTTP client raises.
        """
        token = await self.token()
        response = await self._ask(client, token, method, url, json_body)
        if response.code == 401 and self.refused(token):
            abandon(response)
            response = await self._ask(client, await self.token(), method, url, json_body)
        return response

    async def token(self) -> Secret:
        """Return the token, bought if need be.  Raises NoToken, and what the HTTP client raises."""
        if self._given is not None:
            return self._given
        async with self._buying:
            if self._bought is None:
                exchange = Deferred.fromCoroutine(self._buy())
                self._bought = await exchange.addTimeout(TIMEOUT, self.clock)
            return self._bought

    def refused(self, token: Secret) -> bool:
        """Drop `token`, which X does not accept.  Return whether another one may be had."""
        if self._given is not None:
            return False
        if self._bought == token:
            self._bought, self._dead = None, token
        return True

    def meaning(self, status: int, headers: Headers, body: bytes) -> Refusal:
        """Return what X means by an answer with this status, with no secret in it."""
        return problems.refusal(status, headers, body, self.wall(), self.secrets)

    async def _ask(
        self, client: HTTPClient, token: Secret, method: str, url: str, json_body: bytes | None
    ) -> IResponse:
        headers = {"Authorization": [f"Bearer {token.reveal()}"], "User-Agent": [self._user_agent]}
        if json_body is not None:
            headers["Content-Type"] = ["application/json"]
        response = await client.request(
            method,
            AsItIs.from_text(url),
            headers=Headers(headers),
            data=json_body,
            allow_redirects=False,
            unbuffered=True,
        )
        return cast(IResponse, response)  # treq's answer is a proxy of one

    def _basic(self) -> Secret | None:
        """Return key and secret as they are sent, None where one is missing."""
        if self._key is None or self._secret is None:
            return None
        pair = f"{quote(self._key.reveal(), '')}:{quote(self._secret.reveal(), '')}"
        return Secret(base64.b64encode(pair.encode()).decode())

    async def _buy(self) -> Secret:
        basic = self._basic()
        if basic is None:
            raise NoToken("there is neither a bearer_token nor api_key and api_secret", _NO_KEYS)
        response = await self.client.request(
            "POST",
            AsItIs.from_text(f"{self.api_url}oauth2/token"),
            headers=Headers(
                {
                    "Authorization": [f"Basic {basic.reveal()}"],
                    "Content-Type": ["application/x-www-form-urlencoded;charset=UTF-8"],
                    "User-Agent": [self._user_agent],
                }
            ),
            data=b"grant_type=client_credentials",
            allow_redirects=False,
            unbuffered=True,
        )
        if response.code != 200:
            raise await self._refusal(response)
        try:
            return _token(await read_body(response, MOST_BYTES))
        except TooLong:
            raise NoToken("the token endpoint's answer is too long", _NO_TOKEN_IN_IT) from None

    async def _refusal(self, response: IResponse) -> NoToken:
        said = await read_beginning(response, MOST_EXPLANATION)
        meaning = self.meaning(response.code, response.headers, said)
        if response.code in (400, 401, 403) and problems.is_theirs(response.code, said):
            meaning = msgspec.structs.replace(meaning, trouble=Trouble.REFUSED, advice=_KEYS)
        return NoToken(f"the token endpoint answered {response.code}", meaning)


class _TokenAnswer(msgspec.Struct):
    token_type: str
    access_token: str


def _token(body: bytes) -> Secret:
    """Return the token in the token endpoint's answer.  Raises NoToken where there is none."""
    try:
        answer = msgspec.json.decode(body, type=_TokenAnswer)
        if answer.token_type.lower() == "bearer":  # in either case: RFC 6749, 5.1
            return fit_for_header(answer.access_token)
    except (ValueError, RecursionError):
        pass
    raise NoToken("the token endpoint answered without a bearer token", _NO_TOKEN_IN_IT)
