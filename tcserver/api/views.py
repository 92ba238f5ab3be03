"""
From a request to its endpoint, and from what that says to a response.

Knows the addresses below /api/ and the order in which a request is refused.
"""

import re
from html import escape

import msgspec
from django.db import DataError
from django.http import HttpRequest, HttpResponse

from tcclient.push import messages
from tcserver.api.answers import ApiRefusal, EndpointAnswer, no_such_method, not_allowed, not_found
from tcserver.api.asking import authenticate
from tcserver.api.bodies import wants_page
from tcserver.api.guesses import WINDOW
from tcserver.api.openapi import document
from tcserver.api.routes import LISTS, ROWS, Methods
from tcserver.captures.services.rows import InvalidValues, Outdated, Refused
from tcserver.people.askers import Forbidden, NotFound
from tcserver.people.identity import server_id

GUESSES_ARE_REFUSED = str(int(WINDOW.total_seconds()))
_ADDRESS = re.compile(
    r"/api(?:/(?P<list>[a-z]+)(?:/(?P<row>[^/.]+))?)?(?:/|(?<=[^/])\.(?P<suffix>[a-z0-9]+)/?)?"
)
_NO_PAGE = b"<h1>Not Found</h1><p>The requested URL was not found on this server.</p>"
_ENCODER = msgspec.json.Encoder()


def api(request: HttpRequest) -> HttpResponse:
    """Answer a request for anything below /api/, with or without a slash at its end."""
    address = _ADDRESS.fullmatch(request.path_info)
    methods = _methods(address) if address else None
    if address is None or methods is None:
        return HttpResponse(_NO_PAGE, status=404, content_type="text/html")
    response = _answer(request, methods, address["row"], address["suffix"])
    response["TCC-Server"] = server_id()
    if response.status_code == 405:
        response["Allow"] = ", ".join(methods)
    if response.status_code == 429:
        response["Retry-After"] = GUESSES_ARE_REFUSED
    return response


def schema(_: HttpRequest) -> HttpResponse:
    """Answer with the description of all this, for anybody."""
    return HttpResponse(_ENCODER.encode(document()), content_type="application/json")


def push_schema(_: HttpRequest) -> HttpResponse:
    """Answer with the JSON Schema of what is said on clients' sockets, for anybody."""
    return HttpResponse(_ENCODER.encode(messages.schema()), content_type="application/json")


def _methods(address: "re.Match[str]") -> Methods | None:
    if address["row"]:
        return ROWS.get(address["list"])
    return LISTS.get(address["list"])


def _answer(
    request: HttpRequest, methods: Methods, row: str | None, suffix: str | None
) -> HttpResponse:
    """Return the answer in the form that is asked for; a refusal of that form is in JSON."""
    try:
        page = wants_page(request, suffix or request.GET.get("format"))
    except ApiRefusal as e:
        return _response(EndpointAnswer(e.status, e.content), page=False)
    return _response(_result(request, methods, row, suffix), page)


def _result(
    request: HttpRequest, methods: Methods, row: str | None, suffix: str | None
) -> EndpointAnswer:
    """Return what the endpoint answers, or why the request is refused."""
    try:
        call = authenticate(request, row, suffix)
        operation = methods.get("GET" if request.method == "HEAD" else request.method or "")
        if operation is None:
            raise no_such_method(request.method)
        return operation.answer(call)
    except ApiRefusal as e:
        return EndpointAnswer(e.status, e.content)
    except NotFound:
        return EndpointAnswer(404, not_found().content)
    except Forbidden:
        return EndpointAnswer(403, not_allowed().content)
    except InvalidValues as e:
        return EndpointAnswer(400, e.errors)
    except Outdated as e:
        return EndpointAnswer(409, {"revision": [f"It is {e.revision} now: read it again."]})
    except Refused as e:
        return EndpointAnswer(400, {"status": [str(e)]})
    except DataError:
        # As NUL in a text, or infinity in a number: each database has its own.
        return EndpointAnswer(400, {"detail": "There is a value that cannot be stored."})


def _response(answer: EndpointAnswer, page: bool) -> HttpResponse:
    if answer.status == 204:
        return HttpResponse(status=204)
    body = _ENCODER.encode(answer.content)
    if not page:
        return HttpResponse(body, status=answer.status, content_type="application/json")
    text = escape(msgspec.json.format(body, indent=4).decode())
    html = f"<!DOCTYPE html><title>API</title><pre>HTTP {answer.status}\n\n{text}</pre>"
    return HttpResponse(html, status=answer.status)
