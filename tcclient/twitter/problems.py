"""
What X API v2 means when it refuses: problem documents, old error codes, rate-limit headers.

The facts are those of X's pages "Response codes and errors", "Handling disconnections" and "Rate
limits", and of its OpenAPI description.
"""

import json
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from twisted.web.http_headers import Headers

from tcclient.backoff import Trouble
from tcclient.twitter import Refusal
from tcclient.twitter.explanations import plain_text
from tcclient.values import Secret

LONGEST_WINDOW = 24 * 3600.0
"""Seconds.  Windows last 15 minutes, some 24 hours; a reset beyond that is a wrong clock."""

_APP = "the app in X's developer console"
_TOKEN = Refusal(
    Trouble.REFUSED,
    "Check twitter_auth in the settings: X does not accept the bearer token, or the api_key and "
    "api_secret that buy one.",
)
_SLOT = Refusal(
    Trouble.SLOT,
    "The app's one connection is taken: by another client with the same keys, or by our last one, "
    "which X can take minutes to let go of.",
)
_ENROLLED = Refusal(Trouble.REFUSED, f"Enrol {_APP}: this endpoint is not open to it.")
_CREDITS = Refusal(Trouble.REFUSED, f"Buy credits or raise the spending limit of {_APP}.")
_CAP = Refusal(Trouble.REFUSED, "The plan's cap of posts is used up; it opens again by itself.")
_BUSY = Refusal(Trouble.HTTP, "X is setting up the subscription; that passes.")
_NO_RULES = Refusal(Trouble.HTTP, "X has no rule in force yet; that passes.")
_RATE = Refusal(Trouble.RATE_LIMIT, "Too many requests with these credentials.")
_WRONG = Refusal(Trouble.REFUSED, "X does not accept the request; check the section twitter.")
_PLACE = Refusal(Trouble.REFUSED, "Check twitter.api_url in the settings.")
_TEMPORARY = Refusal(Trouble.HTTP, "That is X's side, and usually passes.")

_BY_STATUS = {
    401: _TOKEN,
    402: _CREDITS,
    403: _ENROLLED,
    404: _PLACE,
    409: _NO_RULES,
    420: _RATE,
    429: _RATE,
}
# What identifies a problem, in lower case, anywhere in its members; the first that is found counts.
_BY_NAME = (
    ("toomanyconnections", _SLOT),
    ("streaming-connection", _SLOT),
    ("provisioningsubscription", _BUSY),
    ("ruleconfigurationissue", _NO_RULES),
    ("creditsdepleted", _CREDITS),
    ("credits", _CREDITS),
    ("spend-cap", _CREDITS),
    ("usage-capped", _CAP),
    ("usagecapexceeded", _CAP),
    ("client-forbidden", _ENROLLED),
    ("client-not-enrolled", _ENROLLED),
)


def refusal(
    status: int, headers: Headers, body: bytes, now: float, secrets: Iterable[Secret]
) -> Refusal:
    """What an answer with this status means; `now` is epoch seconds."""
    meaning = _by_name(body) if status in (402, 403, 429, 503) else None
    if meaning is None:
        meaning = _BY_STATUS.get(status) or _by_class(status)
    at_least, advice = 0.0, meaning.advice
    if meaning.trouble is Trouble.RATE_LIMIT:
        at_least, clock_advice = _until_reset(headers, now)
        advice += clock_advice
    return Refusal(meaning.trouble, advice, plain_text(_detail(body), secrets), at_least)


def _by_class(status: int) -> Refusal:
    if 300 <= status < 400:
        return _PLACE
    return _WRONG if 400 <= status < 500 else _TEMPORARY


def _by_name(body: bytes) -> Refusal | None:
    text = " ".join(_words(_loads(body))).lower()
    return next((meaning for name, meaning in _BY_NAME if name in text), None)


def _words(value: object) -> Iterable[str]:
    """The titles, types and issues of a problem document, and of those inside it."""
    if isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, dict):
        for name in ("title", "type", "reason", "connection_issue"):
            if isinstance(value.get(name), str):
                yield value[name]
        yield from _words(value.get("errors"))


def _detail(body: bytes) -> bytes:
    """What of a problem document is for people; other bodies as they are."""
    value = _loads(body)
    if not isinstance(value, Mapping):
        return body
    said = value.get("detail") or value.get("title")
    return said.encode("utf-8", "replace") if isinstance(said, str) else body


def _loads(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _until_reset(headers: Headers, now: float) -> tuple[float, str]:
    """(seconds until the window ends, what to say of this machine's clock)."""
    reset = _number(headers, "x-rate-limit-reset")
    if reset is None:
        return 0.0, ""
    theirs = _date(headers)
    advice = ""
    if theirs is not None and abs(theirs - now) > 60:
        advice = f" This machine's clock is {abs(theirs - now):.0f} s off."
    seconds = reset - (now if theirs is None else theirs)
    return min(max(seconds, 0.0), LONGEST_WINDOW), advice


def _number(headers: Headers, name: str) -> float | None:
    try:
        return float(headers.getRawHeaders(name, [""])[0])
    except ValueError:
        return None


def _date(headers: Headers) -> float | None:
    try:
        return parsedate_to_datetime(headers.getRawHeaders("Date", [""])[0]).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
