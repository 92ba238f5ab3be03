"""
What happens to a request before and after its view.

Knows which requests are browsers'; does not know any page.
"""

import logging
import secrets
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import DisallowedHost
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseRedirect,
)
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.module_loading import import_string

from tcserver.addresses import whence
from tcserver.outages import REFUSING, is_machines, refused

log = logging.getLogger(__name__)

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

HEALTH = ("/healthz", "/readyz")
"""What a load balancer asks, by whatever name."""
ADDRESS = "REMOTE_ADDR"
"""The key in a request's META of the address that it comes from."""
REQUEST = "tcserver.request"
"""The key in a request's META of its id, by which history and log name it."""
MOST_STRANGE = 20
_STRANGE: set[str] = set()
"""The names by which strangers have asked and been told of in the log."""


def for_everybody(get_response: GetResponse) -> GetResponse:
    """
    Return a middleware that gives each request an id and the address that it comes from, which
    trusted proxies tell in a header, and refuses it under a strange name.  Texts are in UTF-8,
    whatever a header says of them: Python knows encodings that are none of texts.
    """

    def known(request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        meta[REQUEST] = secrets.token_hex(8)
        if settings.TRUSTED_PROXIES:
            forwarded = meta.get("HTTP_X_FORWARDED_FOR", "")
            meta[ADDRESS] = whence(meta.get(ADDRESS, ""), forwarded, settings.TRUSTED_PROXIES)
        if request.path_info not in HEALTH and not _is_asked_by_name(request):
            return HttpResponseBadRequest("This server has no such name.\n", "text/plain")
        if request.encoding is not None:
            request.encoding = "utf-8"
        response = get_response(request)
        response.headers["X-Request-ID"] = meta[REQUEST]
        return response

    return known


class LoginFirst(LoginRequiredMiddleware):
    """Leads nobody to the login, and then back to what was asked for: from a button to its page."""

    def handle_no_permission(self, request: HttpRequest, view_func: View) -> HttpResponseRedirect:
        """Return where the login is."""
        if request.method == "GET":
            return super().handle_no_permission(request, view_func)
        referer = urlsplit(request.headers.get("Referer", ""))
        page = referer._replace(scheme="", netloc="", fragment="").geturl()
        is_here = referer.netloc == request.get_host()
        return redirect_to_login(page if is_here and page else reverse("captures"))


def _is_asked_by_name(request: HttpRequest) -> bool:
    """Return whether it is a name of this server; a strange one is said once, the first few."""
    try:
        request.get_host()
    except DisallowedHost:
        name = request.META.get("HTTP_HOST", "")[:100]
        if name not in _STRANGE and len(_STRANGE) < MOST_STRANGE:
            _STRANGE.add(name)
            known = ", ".join(settings.ALLOWED_HOSTS)
            log.warning("Somebody asks for %r; the names here (see SITE_URL): %s", name, known)
        return False
    return True


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
        if is_machines(request.path_info):
            return self._machines(request)
        try:
            return self._browsers(request)
        except REFUSING as e:
            return refused(request, e)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Let those look at the view who want to, as for forms and for who is logged in."""
        if is_machines(request.path_info):
            return None
        try:
            for member in self._members:
                looks = getattr(member, "process_view", None)
                answer = None if looks is None else looks(request, view, args, kwargs)
                if answer is not None:
                    response: HttpResponseBase = answer
                    return response
        except REFUSING as e:
            return refused(request, e)
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
