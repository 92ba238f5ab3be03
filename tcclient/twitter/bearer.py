"""
The bearer token of X API v2: given in the settings, or bought with the app's key and secret.

Knows the token endpoint; what the token opens is not its business.
"""

import base64
import json
from urllib.parse import quote

import attrs
from treq.client import HTTPClient
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.web.http_headers import Headers

from tcclient.bodies import read_body
from tcclient.settings import Secret
from tcclient.twitter.explanations import plain_text
from tcclient.web import AsItIs

TIMEOUT = 20.0
"""Seconds for the token endpoint."""
MOST_BYTES = 1 << 16


class NoToken(Exception):
    """
    No token could be bought; str() is a clause.  `denied` says that key or secret are wrong, so
    that trying again at once is of no use.
    """

    def __init__(self, reason: str, *, denied: bool) -> None:
        super().__init__(reason)
        self.denied = denied


@attrs.define
class Bearer:
    """A token, bought when it is first needed.  One that was given is never replaced."""

    _client: HTTPClient
    _url: str
    _key: Secret | None
    _secret: Secret | None
    _given: Secret | None
    _user_agent: str
    _clock: IReactorTime
    _bought: Secret | None = None
    _buying: DeferredLock = attrs.field(factory=DeferredLock)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must not be shown."""
        known = (self._key, self._secret, self._given, self._bought)
        return tuple(secret for secret in known if secret is not None)

    async def token(self) -> Secret:
        """Raises NoToken, and what Twisted's HTTP client raises."""
        if self._given is not None:
            return self._given
        async with self._buying:
            if self._bought is None:
                exchange = Deferred.fromCoroutine(self._buy())
                self._bought = await exchange.addTimeout(TIMEOUT, self._clock)
            return self._bought

    def refused(self, token: Secret) -> bool:
        """X does not accept `token`.  Whether another one may be had."""
        if self._given is not None:
            return False
        if self._bought == token:
            self._bought = None
        return True

    async def _buy(self) -> Secret:
        if self._key is None or self._secret is None:
            raise NoToken("there is neither a bearer_token nor api_key and api_secret", denied=True)
        pair = f"{quote(self._key.reveal(), '')}:{quote(self._secret.reveal(), '')}"
        response = await self._client.request(
            "POST",
            AsItIs.from_text(f"{self._url}oauth2/token"),
            headers=Headers(
                {
                    "Authorization": [f"Basic {base64.b64encode(pair.encode()).decode()}"],
                    "Content-Type": ["application/x-www-form-urlencoded;charset=UTF-8"],
                    "User-Agent": [self._user_agent],
                }
            ),
            data=b"grant_type=client_credentials",
            allow_redirects=False,
            unbuffered=True,
        )
        body = await read_body(response, MOST_BYTES)
        if response.code != 200:
            said = plain_text(body, self.secrets)
            raise NoToken(
                f"the token endpoint answered {response.code} ({said})",
                denied=400 <= response.code < 500 and response.code != 429,
            )
        return _token(body)


def _token(body: bytes) -> Secret:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    kind = answer.get("token_type") if isinstance(answer, dict) else None
    if kind != "bearer" or not isinstance(token, str) or not token.isascii() or not token:
        raise NoToken("the token endpoint answered without a bearer token", denied=False)
    return Secret(token)
