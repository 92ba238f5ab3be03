"""
How the body of a request becomes members, and in which form the answer is wanted.

Knows content types and Accept headers; knows no endpoint.
"""

from typing import Any

import msgspec
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from tcserver.api.answers import ApiRefusal
from tcserver.api.fields import SentMembers

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
UTF_8 = ("utf-8", "utf8", "us-ascii", "ascii")
_DECODER = msgspec.json.Decoder()
_KINDS = {
    list: "list",
    str: "str",
    bool: "bool",
    int: "int",
    float: "float",
    type(None): "NoneType",
}


def read_body(request: HttpRequest) -> SentMembers:
    """Return the members.  Raises ApiRefusal 400 and 415."""
    kind = request.content_type
    form = kind in FORMS
    if kind == "application/json":
        return SentMembers(_json_members(request.body))
    if request.method == "POST" and form:
        return SentMembers(_form_members(request), form)
    if not request.body:
        return SentMembers({}, form)
    if form:
        # Django reads forms of POST alone.
        request.method, method = "POST", request.method
        try:
            return SentMembers(_form_members(request), form)
        finally:
            request.method = method
    sent = request.headers.get("Content-Type") or "text/plain"
    raise ApiRefusal(415, f'Unsupported media type "{sent[:200]}" in request.')


def read_json(request: HttpRequest, kind: Any) -> Any:
    """Return the body as a value of `kind`, a msgspec type.  Raises ApiRefusal 400 and 415."""
    if request.content_type != "application/json":
        sent = request.headers.get("Content-Type") or "text/plain"
        raise ApiRefusal(415, f'Unsupported media type "{sent[:200]}" in request.')
    try:
        return msgspec.json.decode(request.body, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as e:
        raise ApiRefusal(400, f"JSON parse error - {e}") from None


def wants_page(request: HttpRequest, format: str | None) -> bool:
    """Return whether a page is wanted instead of JSON.  Raises ApiRefusal 404 and 406."""
    if format is not None:
        if format not in ("json", "api"):
            raise ApiRefusal(404, "Not found.")
        return format == "api"
    # Django's mapping of all headers is made anew for each request.
    accept = request.META.get("HTTP_ACCEPT")
    if accept is None or accept in ("*/*", "application/json"):
        return False
    ranges = [part.partition(";")[0].strip() for part in accept.split(",")]
    exact = [name for name in ranges if "*" not in name]
    for names in (exact, [name for name in ranges if name not in exact]):
        if {"application/json", "application/*"} & {*names}:
            return False
        if {"text/html", "text/*"} & {*names}:
            return True
        if "*/*" in names:
            return False
    raise ApiRefusal(406, "Could not satisfy the request Accept header.")


def _json_members(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        members: Any = _DECODER.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise ApiRefusal(400, "JSON parse error - No JSON object could be decoded") from None
    if isinstance(members, dict):
        return members
    kind = _KINDS[type(members)]
    sentence = f"Invalid data. Expected a dictionary, but got {kind}."
    raise ApiRefusal(400, {"non_field_errors": [sentence]})


def _form_members(request: HttpRequest) -> dict[str, Any]:
    params = request.content_params or {}
    charset = params.get("charset", "utf-8")
    if charset.lower() not in UTF_8:
        raise ApiRefusal(415, f'Unsupported charset "{charset[:200]}" in request.')
    try:
        return request.POST.dict()
    except (MultiPartParserError, BadRequest, SuspiciousOperation, ValueError) as e:
        raise ApiRefusal(400, f"Form parse error - {e}") from None
