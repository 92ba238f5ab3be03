"""
What is answered while the database is locked, full or away: 503, and when to ask again.  What it
stores nowhere, as NUL in a text, is answered with 400.

Knows what the errors are and how they are told; does not know what was asked for.
"""

import logging
import time
from collections.abc import Callable
from threading import Lock

from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

log = logging.getLogger(__name__)

UNAVAILABLE = (OperationalError, InterfaceError)
"""What is raised where the database is locked, full or away; then nothing was written."""
REFUSING = (*UNAVAILABLE, DataError)
"""What a request is refused for: the last one for a value in it, which not each database takes."""
RETRY_AFTER = "5"
"""Seconds after which whoever is refused may ask again."""
QUIET = 30.0
"""Seconds without such an error after which the database is said to answer again."""
MACHINES = ("/api/", "/api.", "/healthz", "/readyz", "/metrics")
"""Where the addresses begin that programs ask: they log in by a token with each request."""


def is_machines(path: str) -> bool:
    """Return whether programs ask for this, and not browsers."""
    return path.startswith(MACHINES) or path == "/api"


def unavailable(path: str, detail: str) -> HttpResponse:
    """Return the answer to a request that nothing was done for, with a sentence."""
    response = _answer(path, 503, "503.html", detail)
    response["Retry-After"] = RETRY_AFTER
    return response


def without_line(response: HttpResponse) -> HttpResponse:
    """Return the response, for which Django would have a line in the log each time."""
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


class OutageLog:
    """Says that the database does not answer, and that it does again; each once."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._began: float | None = None
        self._last = 0.0
        self._refused = 0

    def fails(self, error: Exception) -> None:
        """Note that a request was refused for it."""
        with self._lock:
            self._last = self._seconds()
            self._refused += 1
            if self._began is None:
                self._began = self._last
                reason = str(error).strip().partition("\n")[0]
                log.error("The database cannot be used, answers are 503: %s", reason)

    def works(self) -> None:
        """Note that a request was answered."""
        if self._began is None:
            return
        with self._lock:
            if self._began is None or self._seconds() - self._last < QUIET:
                return
            span = self._last - self._began
            log.warning(
                "The database answers; %d requests were refused in %.0f s.", self._refused, span
            )
            self._began, self._refused = None, 0


OUTAGES = OutageLog()


class Outages:
    """A middleware that answers for a database that cannot be used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request; what is inside of this raises, unless a view has done so."""
        try:
            response = self._get_response(request)
        except REFUSING as e:
            return refused(request, e)
        if response.status_code < 500:
            OUTAGES.works()
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for a view that has raised."""
        return refused(request, error) if isinstance(error, REFUSING) else None


def refused(request: HttpRequest, error: Exception) -> HttpResponse:
    """Return the answer to a request that failed for the database."""
    if isinstance(error, DataError):
        detail = "There is a value that cannot be stored."
        return _answer(request.path_info, 400, "unstorable.html", detail)
    OUTAGES.fails(error)
    return unavailable(request.path_info, "The database is not available now.")


def _answer(path: str, status: int, template: str, detail: str) -> HttpResponse:
    """Return a sentence as JSON or as a page."""
    response = (
        JsonResponse({"detail": detail}, status=status)
        if is_machines(path)
        else HttpResponse(render_to_string(template, {"detail": detail}), status=status)
    )
    return without_line(response)
