"""
Answers that are not Twitter's own: those of proxies, firewalls and CDNs, and of other sites.  Pure.

What Twitter means by a status says nothing of them.
"""

from tcclient.http.jsontext import loads
from tcclient.runtime.backoff import Refusal, Trouble

_PROBLEMS = "/problems/"
"""Stands in the type of each problem that X has a page for."""
_JETTY = b"Problem accessing"
"""Stands in the pages by which v1.1's own servers refuse a stream (recorded)."""


def is_from_between(status: int, body: bytes) -> bool:
    """
    Return whether a refusal with this body, or beginning of one, comes from something in between.
    Of an empty body that cannot be told, and a redirect is taken for what it is.
    """
    said = body.strip()
    if not said or status < 400:
        return False
    if said.startswith(b"<"):
        return _JETTY not in said
    if not said.startswith((b"{", b"[")):
        return False
    try:
        value = loads(said)
    except ValueError:
        return False  # a document that was cut
    return not _is_problem(value)


def _is_problem(value: object) -> bool:
    """Return whether this is a problem document of X's, or an error of its older APIs."""
    if not isinstance(value, dict):
        return False
    kind, errors = value.get("type"), value.get("errors")
    # One that is no more than a status has no page.  Other programs name the request in theirs.
    is_blank = kind == "about:blank" and "detail" in value and "instance" not in value
    if is_blank or (isinstance(kind, str) and _PROBLEMS in kind):
        return True
    listed = errors if isinstance(errors, list) else []
    return {"error", "request"} <= value.keys() or any(
        _is_problem(one) or (isinstance(one, dict) and type(one.get("code")) is int)
        for one in listed
    )


def from_between(status: int, key: str) -> Refusal:
    """
    Return what such a refusal means, without what it says; `key` is that of the settings which
    names the address that was asked.
    """
    return Refusal(
        Trouble.RATE_LIMIT if status in (420, 429) else Trouble.HTTP,
        "That is no answer of X's own: it comes from something in between, such as a proxy, a "
        f"firewall or a CDN, or twitter.{key} names another site.",
        is_from_between=True,
    )
