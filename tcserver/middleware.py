"""
What happens to a request before and after its view.

Knows which requests are browsers'; does not know any page.
"""

import secrets
from collections.abc import Callable
from typing import Any, TypeAlias

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from tcserver.addresses import whence

View: TypeAlias = Callable[..., HttpResponseBase]
GetResponse: TypeAlias = Callable[[HttpRequest], HttpResponseBase]

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Nothing from elsewhere, and nothing that stands in a page itself is run or styles it."""

MACHINES = ("/api/", "/api.", "/healthz", "/readyz")
"""Where the addresses begin that programs ask: they log in by a token with each request."""

HEALTH = ("/healthz", "/readyz")
"""What a load balancer asks, by whatever name."""
ADDRESS = "REMOTE_ADDR"
"""The key in a request's META of the address that it comes from."""
REQUEST = "tcserver.request"
"""The key in a request's META of its id, by which history and log name it."""


def for_everybody(get_response: GetResponse) -> GetResponse:
    """
    Return a middleware that gives each request an id and the address that it comes from, which
    trusted proxies tell in a header, and refuses it under a strange name.
    """

    def known(request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        meta[REQUEST] = secrets.token_hex(8)
        if settings.TRUSTED_PROXIES:
            forwarded = meta.get("HTTP_X_FORWARDED_FOR", "")
            meta[ADDRESS] = whence(meta.get(ADDRESS, ""), forwarded, settings.TRUSTED_PROXIES)
        if request.path_info not in HEALTH:
            request.get_host()
        response = get_response(request)
        response.headers["X-Request-ID"] = meta[REQUEST]
        return response

    return known


class BrowsersOnly:
    """
    Puts the middleware of BROWSERS_MIDDLEWARE round the requests of browsers alone.

    Sessions, forms and messages cost a client's poll more than its answer does.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._machines = get_response
        self._members: list[Any] = []
        for path in reversed(settings.BROWSERS_MIDDLEWARE):
            get_response = import_string(path)(get_response)
            self._members.insert(0, get_response)
        self._browsers = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request by the one way or the other."""
        if request.path_info.startswith(MACHINES) or request.path_info == "/api":
            return self._machines(request)
        return self._browsers(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Let those look at the view who want to, as for forms and for who is logged in."""
        if request.path_info.startswith(MACHINES) or request.path_info == "/api":
            return None
        for member in self._members:
            looks = getattr(member, "process_view", None)
            answer = None if looks is None else looks(request, view, args, kwargs)
            if answer is not None:
                response: HttpResponseBase = answer
                return response
        return None


def content_policy(get_response: GetResponse) -> GetResponse:
    """Return a middleware that tells browsers what a page may load."""

    def policed(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        if isinstance(response, HttpResponse):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return policed
