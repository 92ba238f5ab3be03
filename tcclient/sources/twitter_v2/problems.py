"""
What X API v2 means when it refuses: problem documents, old error codes, rate-limit headers.

Knows words and waits; makes no requests.  The facts are those of X's pages "Response codes and
errors", "Handling disconnections" and "Rate limits", and of its OpenAPI description.
"""

import math
from collections.abc import Iterable
from typing import Any

from msgspec import structs
from twisted.web.http_headers import Headers

from tcclient.http.dates import date_of
from tcclient.http.explanations import plain_text
from tcclient.http.jsontext import loads
from tcclient.runtime.backoff import Ramp, Refusal, Trouble
from tcclient.runtime.secrets import Secret
from tcclient.runtime.wallclock import Date
from tcclient.sources.twitter.between import from_between, is_from_between

LONGEST_WINDOW = 24 * 3600.0
"""
Seconds.  Most rate-limit windows last 15 minutes, some 24 hours.  A reset that is further off is
nonsense, or due to a wrong clock, and is not waited for.
"""

SLOT = Trouble("slot", Ramp(30.0, 300.0))
"""
The app's one connection is taken, maybe by our own last one, which X has not let go of: such a slot
lingers for minutes, rarely for hours; 50 connects in 15 minutes are granted.
"""

_APP = "the app in X's developer console"
_TOKEN = Refusal(
    Trouble.REFUSED,
    "Check twitter_auth in the settings: X does not accept the bearer token, or the api_key and "
    "api_secret that buy one.",
)
_SLOT = Refusal(
    SLOT,
    "The app's one connection is taken: by another client with the same keys, or by our last one, "
    "which X can take minutes to let go of.",
)
_ENROLLED = Refusal(Trouble.REFUSED, f"Enrol {_APP}: it belongs to no project with a plan.")
_PLAN = Refusal(
    Trouble.REFUSED,
    "The app's plan does not have what was asked for: see the app in X's developer console, and "
    "mind that a capture without keywords asks for the sample stream, which few plans have.",
)
_CREDITS = Refusal(Trouble.REFUSED, f"Buy credits or raise the spending limit of {_APP}.")
_CAP = Refusal(Trouble.REFUSED, "The plan's cap of posts is used up; it opens again by itself.")
_BUSY = Refusal(Trouble.HTTP, "X is setting up the subscription; that passes.")
_NO_RULES = Refusal(Trouble.HTTP, "X has no rule in force yet; that passes.")
_BAD_RULES = Refusal(
    Trouble.HTTP, "X no longer accepts a rule of the app, maybe another client's: see its rules."
)
_NO_ROOM = Refusal(Trouble.HTTP, "The app has as many rules as its plan allows; delete some.")
_RATE = Refusal(Trouble.RATE_LIMIT, "Too many requests with these credentials.")
_WRONG = Refusal(Trouble.REFUSED, "X does not accept the request; check the section twitter.")
_PLACE = Refusal(Trouble.REFUSED, "Check twitter.api_url in the settings.")
_TEMPORARY = Refusal(Trouble.HTTP, "That is X's side, and usually passes.")

_BY_STATUS = {
    401: _TOKEN,
    402: _CREDITS,
    403: _PLAN,
    404: _PLACE,
    408: _TEMPORARY,
    409: _NO_RULES,
    420: _RATE,
    429: _RATE,
}
# What identifies a problem, in lower case, anywhere in its members; the first that is found counts.
_BY_NAME = (
    ("toomanyconnections", _SLOT),
    ("provisioningsubscription", _BUSY),
    ("ruleconfigurationissue", _NO_RULES),
    ("rulesinvalidissue", _BAD_RULES),
    ("streaming-connection", _SLOT),  # the type of the four above
    ("rulescapexceeded", _NO_ROOM),
    ("rule-cap", _NO_ROOM),
    ("creditsdepleted", _CREDITS),
    ("credits", _CREDITS),
    ("spend-cap", _CREDITS),
    ("usage-capped", _CAP),
    ("usagecapexceeded", _CAP),
    ("unsupported-authentication", _TOKEN),
    ("client-not-enrolled", _ENROLLED),
    ("client-forbidden", _PLAN),  # also the type of the one above
)


def refusal(
    status: int, headers: Headers, body: bytes, now: Date, secrets: Iterable[Secret]
) -> Refusal:
    """
    Return what an answer with this status means; `now` is in epoch seconds, `secrets` are not
    shown.  Never raises.
    """
    meaning = _by_name(body) if status >= 400 else None
    if meaning is None and not is_theirs(status, body):
        meaning = from_between(status, "api_url")
    elif meaning is None:
        meaning = _BY_STATUS.get(status) or _by_class(status)
    at_least, advice = 0.0, meaning.advice
    if meaning.trouble is Trouble.RATE_LIMIT:
        at_least, clock_advice = _until_reset(headers, now)
        advice += clock_advice
    explanation = plain_text(_detail(body), secrets)
    return structs.replace(meaning, advice=advice, explanation=explanation, at_least=at_least)


def is_theirs(status: int, body: bytes) -> bool:
    """
    Return whether the answer may be X's own.  Its refusals are JSON, or say nothing; what a status
    below 400 says does not matter.
    """
    is_json = body.strip()[:1] in (b"", b"{", b"[")
    return status < 400 or (is_json and not is_from_between(status, body))


def _by_class(status: int) -> Refusal:
    """Return the meaning of a status that is not known by itself."""
    if 300 <= status < 400:
        return _PLACE
    return _WRONG if 400 <= status < 500 else _TEMPORARY


def _by_name(body: bytes) -> Refusal | None:
    """Return the meaning of the first problem in the body that is known, None for none."""
    names = ("title", "type", "reason", "connection_issue")
    words = (text for problem in _problems(body) for text in _texts(problem, names))
    said = " ".join(words).lower()
    return next((meaning for name, meaning in _BY_NAME if name in said), None)


def _detail(body: bytes) -> bytes:
    """Return what a problem document says to people; any other body as it is."""
    found = (_texts(problem, ("detail", "message", "title")) for problem in _problems(body))
    said = " ".join(dict.fromkeys(texts[0] for texts in found if texts))
    return said.encode("utf-8", "replace") or body


def _problems(body: bytes) -> list[dict[str, Any]]:
    """Return a problem document and the errors that it lists, which have the same shape."""
    try:
        value = loads(body)
    except ValueError:
        return []
    errors = value.get("errors") if isinstance(value, dict) else None
    listed = errors if isinstance(errors, list) else []
    return [problem for problem in (value, *listed) if isinstance(problem, dict)]


def _texts(problem: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Return those of the named members that are texts and not empty."""
    values = (problem.get(name) for name in names)
    return [value for value in values if value and isinstance(value, str)]


def _until_reset(headers: Headers, now: Date) -> tuple[float, str]:
    """
    Return the seconds until the rate-limit window ends, 0.0 where they are unknown, and a sentence
    about this machine's clock if it is off.
    """
    reset = _number(headers, "x-rate-limit-reset")
    if reset is None:
        return 0.0, ""
    theirs = date_of(headers)
    advice = ""
    if theirs is not None and abs(theirs - now) > 60:
        advice = f" This machine's clock is {abs(theirs - now):.0f} s off."
    seconds = reset - (now if theirs is None else theirs)
    return (seconds if 0.0 < seconds <= LONGEST_WINDOW else 0.0), advice


def _number(headers: Headers, name: str) -> float | None:
    try:
        number = float(headers.getRawHeaders(name, [""])[0])
    except ValueError:
        return None
    return number if math.isfinite(number) else None
