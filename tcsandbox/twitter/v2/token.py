"""Bearer tokens, by X's "App only" page: an app buys the same one until it is invalidated."""

import base64
import binascii
from random import Random
from urllib.parse import unquote_plus

import attrs

from tcsandbox.twitter.common.oauth import Credentials
from tcsandbox.twitter.v2 import problems
from tcsandbox.twitter.v2.problems import Denied, Reply

SANDBOX_BEARER_TOKEN = "AAAAAAAAAAAAAAAAAAAAAsandbox%2Bbearer%3Dtoken"
"""The first account's token, valid from the start: its owner would copy it from X's console."""


@attrs.define
class BearerTokens:
    """The tokens of `accounts`; `sold` counts those that were bought, repetitions included."""

    accounts: tuple[Credentials, ...]
    _rng: Random
    sold: int = 0
    _owners: dict[str, str] = attrs.Factory(dict)  # token -> api_key
    _ended: set[str] = attrs.Factory(set)

    def __attrs_post_init__(self) -> None:
        if self.accounts:
            self._owners[SANDBOX_BEARER_TOKEN] = self.accounts[0].api_key

    def buy(self, authorization: str | None, grant_type: str | None) -> Reply:
        """Answer a request for a token; raise Denied."""
        api_key = self._verify(authorization)
        if grant_type != "client_credentials":
            message = "Missing required parameter: grant_type"
            raise Denied(problems.coded(403, 170, message, label="forbidden_missing_parameter"))
        own = {token for token, key in self._owners.items() if key == api_key}
        token = next(iter(own - self._ended - {SANDBOX_BEARER_TOKEN}), None)
        if token is None:
            token = f"AAAAAAAAAAAAAAAAAAAAA{self._rng.randbytes(24).hex()}%2B%3D"
            self._owners[token] = api_key
        self.sold += 1
        return Reply(200, {"token_type": "bearer", "access_token": token})

    def invalidate(self, authorization: str | None, token: str | None) -> Reply:
        """Answer a request to end a token; raise Denied."""
        api_key = self._verify(authorization)
        token = token or ""
        if self._owners.get(token) != api_key or token in self._ended:
            raise Denied(problems.coded(403, 348, "Client application is not permitted to do that"))
        self._ended.add(token)
        return Reply(200, {"access_token": token})

    def owner(self, authorization: str | None) -> str:
        """Return the api_key of the app whose bearer token is in the header; raise Denied."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or token not in self._owners:
            raise Denied(problems.UNAUTHORIZED)
        if token in self._ended:
            raise Denied(problems.EXPIRED)
        return self._owners[token]

    def expire(self) -> None:
        """End all tokens that were given out."""
        self._ended.update(self._owners)

    def _verify(self, authorization: str | None) -> str:
        """Return the api_key of the Basic header's app; raise Denied for wrong keys."""
        scheme, _, encoded = (authorization or "").partition(" ")
        try:
            pair = base64.b64decode(encoded, validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        key, _, secret = pair.partition(":")
        for account in self.accounts:
            given = unquote_plus(key), unquote_plus(secret)
            if scheme.lower() == "basic" and given == (account.api_key, account.api_secret):
                return account.api_key
        raise Denied(problems.UNVERIFIED)
