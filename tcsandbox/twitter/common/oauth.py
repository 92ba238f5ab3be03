"""Checks OAuth 1.0a signatures by RFC 5849's HMAC-SHA1, as Twitter uses it."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Literal

import attrs
from oauthlib.oauth1.rfc5849 import signature

TIMESTAMP_TOLERANCE = 900.0  # seconds either way


class Unauthorized(Exception):
    """Raised when a signature is missing or wrong; the message says in what way."""


@attrs.frozen
class Credentials:
    """One account's keys; repr() leaves the secrets out."""

    api_key: str
    api_secret: str = attrs.field(repr=False)
    access_token: str
    access_token_secret: str = attrs.field(repr=False)


SANDBOX_CREDENTIALS = Credentials(
    api_key="sandbox-api-key",
    api_secret="sandbox-api-secret",
    access_token="1234567890-sandbox-access-token",
    access_token_secret="sandbox-access-token-secret",
)


@attrs.frozen
class SignedRequest:
    """What a signature covers; `params` are the decoded pairs of the query and of a form body."""

    method: Literal["GET", "POST"]
    url: str  # without the query
    authorization: str | None
    params: list[tuple[str, str]]


def verify(request: SignedRequest, accounts: Iterable[Credentials], now: float) -> Credentials:
    """Return the account that signed `request`, at the Unix time `now`; raise Unauthorized."""
    params = _header_params(request.authorization)
    if params.get("oauth_signature_method") != "HMAC-SHA1":
        raise Unauthorized("Unsupported signature method: HMAC-SHA1 is expected")
    if params.get("oauth_version", "1.0") != "1.0":
        raise Unauthorized("Unsupported OAuth version: 1.0 is expected")
    _check_timestamp(params.get("oauth_timestamp", ""), now)
    account = _account(params, accounts)
    if not params.get("oauth_nonce"):
        raise Unauthorized("The nonce is missing")
    if not _is_signed(request, account, params.get("oauth_signature", "")):
        raise Unauthorized("Invalid signature: could not authenticate you")
    return account


def _header_params(authorization: str | None) -> dict[str, str]:
    if not authorization:
        raise Unauthorized("No Authorization header: OAuth 1.0a is required")
    try:
        pairs = signature.collect_parameters(
            headers={"Authorization": authorization}, exclude_oauth_signature=False
        )
    except ValueError:
        pairs = []
    if not pairs:
        raise Unauthorized("Malformed Authorization header: OAuth 1.0a is required")
    return dict(pairs)


def _check_timestamp(text: str, now: float) -> None:
    if not (text.isascii() and text.isdigit()):
        raise Unauthorized("The timestamp is missing or malformed")
    if abs(int(text) - now) > TIMESTAMP_TOLERANCE:
        raise Unauthorized("Timestamp out of bounds: check the clock of your computer")


def _account(params: dict[str, str], accounts: Iterable[Credentials]) -> Credentials:
    keys = params.get("oauth_consumer_key"), params.get("oauth_token")
    for account in accounts:
        if keys == (account.api_key, account.access_token):
            return account
    raise Unauthorized("Invalid or expired token: the API key or access token is unknown")


def _is_signed(request: SignedRequest, account: Credentials, given: str) -> bool:
    """Return whether `given` is the signature of `request`; raise Unauthorized for a bad host."""
    pairs = signature.collect_parameters(
        body=request.params, headers={"Authorization": request.authorization or ""}
    )
    signed = SimpleNamespace(
        http_method=request.method, uri=request.url, params=pairs, signature=given
    )
    secrets = account.api_secret, account.access_token_secret
    try:
        return signature.verify_hmac_sha1(signed, *secrets)  # type: ignore[arg-type]  # looks alike
    except ValueError as e:
        raise Unauthorized(f"Malformed Host header: {e}") from e
