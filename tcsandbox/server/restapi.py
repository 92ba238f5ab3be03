"""
The capture server's API: a request in, an answer out, exactly as deployed servers give it.

Knows addresses, methods and the order in which a request is refused; knows no sockets.
"""

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import parse_qsl, unquote

import attrs

from tcsandbox.server.endpoints import ApiCall, Endpoint, EndpointResult, find_endpoint
from tcsandbox.server.forms import InvalidMembers
from tcsandbox.server.jobstore import Crash, JobStore, NoSuchJob
from tcsandbox.server.negotiation import ApiError, ApiRequest, authenticate, wants_page
from tcsandbox.server.quirks import Quirks

HTML: Final = "text/html; charset=utf-8"
CRASH_PAGE: Final = b"<h1>Server Error (500)</h1>"
NOT_FOUND_PAGE: Final = b"<h1>Not Found</h1><p>The requested URL was not found on this server.</p>"

_ADDRESS = re.compile(
    r"/api(?:/(?P<list>[a-z]+)(?:/(?P<row>[^/.]+))?)?(?:/|(?<=[^/])\.(?P<suffix>[a-z0-9]+)/?)"
)


@attrs.frozen
class ApiAnswer:
    """What is sent back.  `headers` are those beside Content-Type."""

    status: int
    body: bytes = b""
    content_type: str = HTML
    headers: Mapping[str, str] = attrs.field(factory=dict)


def json_answer(status: int, content: object) -> ApiAnswer:
    """Return `content` as compact JSON, the way the framework renders it."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return ApiAnswer(status, body, "application/json", {"Vary": "Accept"})


def answer(request: ApiRequest, store: JobStore, quirks: Quirks) -> ApiAnswer:
    """Return the server's answer to `request`, and change the rows of `store` as it would."""
    query = request.target.partition("?")[2]
    path = unquote(request.path)
    address = _ADDRESS.fullmatch(path)
    endpoint = find_endpoint(address["list"], address["row"], quirks) if address else None
    if address is None or endpoint is None:
        return _unknown(request, path, query, quirks)
    row, suffix = address["row"], address["suffix"]
    call = ApiCall(request, store, quirks, row, dict(parse_qsl(query)), suffix)
    try:
        page = wants_page(request.headers.get("accept"), call.format)
        status, content = _result(call, endpoint)
    except ApiError as e:
        return json_answer(e.code, e.content)
    except Crash:
        return ApiAnswer(500, CRASH_PAGE, "text/html")
    if status == 204:
        return ApiAnswer(204, headers={"Vary": "Accept"})
    return _page(status, content) if page else json_answer(status, content)


def _result(call: ApiCall, endpoint: Endpoint) -> EndpointResult:
    """Return what the endpoint answers, or why the request is refused; raise Crash."""
    try:
        call.user = authenticate(call.request.headers.get("authorization"), call.store)
        return endpoint(call)
    except ApiError as e:
        return e.code, e.content
    except InvalidMembers as e:
        return 400, call.renamed(e.errors)
    except NoSuchJob:
        return 404, {"detail": "Not found."}


def _unknown(request: ApiRequest, path: str, query: str, quirks: Quirks) -> ApiAnswer:
    """Return a redirect that adds a missing slash, for every method, or else a 404 page."""
    whole = _ADDRESS.fullmatch(path + "/")
    if whole is None or find_endpoint(whole["list"], whole["row"], quirks) is None:
        return ApiAnswer(404, NOT_FOUND_PAGE, "text/html")
    location = f"{request.base}{request.path}/" + (f"?{query}" if query else "")
    return ApiAnswer(301, headers={"Location": location})


def _page(status: int, content: object) -> ApiAnswer:
    """Return the browsable page that shows `content`."""
    text = escape(json.dumps(content, ensure_ascii=False, indent=4))
    page = f"<!DOCTYPE html><html><body><pre>HTTP {status}\n\n{text}</pre></body></html>"
    return ApiAnswer(status, page.encode(), HTML, {"Vary": "Accept"})
