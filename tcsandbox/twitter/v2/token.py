"""Bearer tokens, by X's "App only" page: an app buys the same one until it is invalidated."""

import base64
import binascii
from collections.abc import Iterable
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
    _valid: dict[str, str] = attrs.Factory(dict)  # token -> api_key
    _dead: set[str] = attrs.Factory(set)

    def __attrs_post_init__(self) -> None:
        if self.accounts:
            self._valid[SANDBOX_BEARER_TOKEN] = self.accounts[0].api_key

    def buy(self, authorization: str | None, grant_type: str | None) -> Reply:
        """Answer a request for a token; raise Denied."""
        api_key = self._verify(authorization)
        if grant_type != "client_credentials":
            message = "Missing required parameter: grant_type"
            raise Denied(problems.coded(403, 170, message, label="forbidden_missing_parameter"))
        bought = [t for t, key in self._valid.items() if key == api_key]
        token = next((t for t in bought if t != SANDBOX_BEARER_TOKEN), None)
        if token is None:
            token = f"AAAAAAAAAAAAAAAAAAAAA{self._rng.randbytes(24).hex()}%2B%3D"
            self._valid[token] = api_key
        self.sold += 1
        return Reply(200, {"token_type": "bearer", "access_token": token})

    def invalidate(self, authorization: str | None, token: str | None) -> Reply:
        """Answer a request to end a token; raise Denied."""
        api_key = self._verify(authorization)
        token = token or ""
        if self._valid.get(token) != api_key:
            raise Denied(problems.coded(403, 348, "Client application is not permitted to do that"))
        self._end([token])
        return Reply(200, {"access_token": token})

    def owner(self, authorization: str | None) -> str:
        """Return the api_key of the app whose bearer token is in the header; raise Denied."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or token not in self._valid | dict.fromkeys(self._dead, ""):
            raise Denied(problems.UNAUTHORIZED)
        if token in self._dead:
            raise Denied(problems.EXPIRED)
        return self._valid[token]

    def expire(self) -> None:
        """End all tokens that were given out."""
        self._end(list(self._valid))

    def _end(self, tokens: Iterable[str]) -> None:
        for token in tokens:
            del self._valid[token]
            self._dead.add(token)

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
