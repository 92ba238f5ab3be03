"""
Mistakes in credentials that their shapes give away.  Pure.

Knows what Twitter's credentials look like; says nothing where those of a service compatible with
Twitter may look otherwise.
"""

import re
from collections.abc import Mapping
from itertools import combinations

from tcclient.runtime.secrets import Secret
from tcclient.runtime.verdicts import Verdict, fail, ok

# Twitter's keys had 18 to 25 characters and its secrets 40 to 50, the oldest included.
_LONGEST_KEY = 30
_SHORTEST_SECRET = 36
_USER_TOKEN = re.compile(r"[0-9]+-.+")
_BEARER_TOKEN = re.compile(r"A{15,}.{40,}")
_WRAPPING = "\"'`<>,;"


def verdict(used: Mapping[str, Secret | None], others: Mapping[str, Secret]) -> Verdict:
    """
    Return what the shapes of the credentials tell, in which no value is repeated.  `used` maps
    their keys in `twitter_auth` to their values, None for one that is missing; `others` are secrets
    beside them, by the names of their keys.
    """
    values = {name: secret.reveal() for name, secret in used.items() if secret is not None}
    beside = {name: secret.reveal() for name, secret in others.items()}
    faults = [*_same({**values, **beside}), *_swapped(values), *_misshapen(values)]
    if faults:
        return fail("in twitter_auth " + "; ".join(faults))
    *first, last = values
    if not first:
        return ok(f"{last} of twitter_auth looks plausible")
    return ok(f"{', '.join(first)} and {last} of twitter_auth look plausible")


def _same(values: Mapping[str, str]) -> list[str]:
    return [
        f"{one} and {other} have the same value"
        for one, other in combinations(values, 2)
        if values[one] == values[other]
    ]


def _swapped(values: Mapping[str, str]) -> list[str]:
    faults = []
    key, secret = values.get("api_key", ""), values.get("api_secret", "")
    if len(key) >= _SHORTEST_SECRET and len(secret) <= _LONGEST_KEY and not _is_bearer(key):
        faults.append("api_key and api_secret seem to be swapped: the key is the shorter one")
    if "access_token" not in values:
        return faults
    if _lacks_user(values["access_token"]) and not _lacks_user(values["access_token_secret"]):
        faults.append("access_token and access_token_secret seem to be swapped")
    elif _lacks_user(values["access_token"]):
        faults.append("access_token does not begin with a user's number and a hyphen")
    return faults


def _misshapen(values: Mapping[str, str]) -> list[str]:
    bearer = [
        f"{name} is a bearer token"
        for name, value in values.items()
        if name != "bearer_token" and _is_bearer(value)
    ]
    wrapped = [
        f"{name} has a quotation mark, bracket or comma at its beginning or end"
        for name, value in values.items()
        if value.strip(_WRAPPING) != value
    ]
    return bearer + wrapped


def _lacks_user(value: str) -> bool:
    return _USER_TOKEN.fullmatch(value.strip(_WRAPPING)) is None


def _is_bearer(value: str) -> bool:
    return _BEARER_TOKEN.fullmatch(value) is not None
