"""How a refusal of the capture server reads, and whose it is.  Pure; knows no requests."""

import re

from tcclient.http.explanations import title_of
from tcclient.runtime.failures import one_line

_BY_STATUS = {
    404: "nothing is there",
    413: "something in front of it takes no body of that length: raise the limit there",
    502: "the proxy in front of it does not reach it",
    503: "it is overloaded, or down for maintenance",
    504: "it gives the proxy in front of it no answer in time",
}
_PAGE = 1 << 16
"""Bytes of a page in which its title is looked for."""
_NO_CREDENTIALS = "(?i)credentials were not provided"
_SPEAKS_TLS = rb"(?i)plain HTTP (?:request was sent )?to (?:an? )?(?:SSL|HTTPS)"


def refusal_clause(status: int, body: bytes, content: object | None, location: str) -> str:
    """
    Return a clause that says how an answer refuses, in the server's own words where these are JSON
    and by the title of a page, and what to do.  `content` is the decoded body, None if that is not
    JSON, and `location` the target of a redirect.
    """
    if 300 <= status < 400:
        return f"it redirects to {location[:200]!r}: put the right address into server.base_url"
    words = _words(body, content)
    said = f"it answers {status}" + (f" ({words})" if words else "")
    cure = _cure(status, body, words, is_json=content is not None)
    return f"{said}: {cure}" if cure else said


def _words(body: bytes, content: object | None) -> str:
    """Return what an answer says to people, on one line, cut."""
    if content is None:
        return title_of(body[:_PAGE].decode("utf-8", "replace"))[:200]
    said = content.get("detail") if isinstance(content, dict) else content
    text = said if isinstance(said, str) else body[:2000].decode("utf-8", "replace")
    return one_line(text)[:200]


def _cure(status: int, body: bytes, words: str, *, is_json: bool) -> str:
    """Return what to do about an answer, a clause; empty where only the server knows."""
    if re.search(_SPEAKS_TLS, body):
        return "begin server.base_url with https://"
    if status not in (401, 403):
        return "" if is_json else _BY_STATUS.get(status, "")
    if re.search(_NO_CREDENTIALS, words):
        return "the token does not arrive: a proxy in between drops the header Authorization"
    if not is_json:
        return "that is a proxy's or a login page's own answer: let clients past it"
    return "check server.auth_token"
