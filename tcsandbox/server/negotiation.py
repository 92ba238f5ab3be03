"""
What is settled before a request reaches its endpoint.

That is who asks, in what form the answer is wanted, and what the body holds.  Knows the sentences
and codes of refusal; knows no endpoints.
"""

import json
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

import attrs

from tcsandbox.server.fields import RequestBody
from tcsandbox.server.jobstore import JobStore
from tcsandbox.server.rows import UserAccount


class ApiError(Exception):
    """Raised when a request is to be answered with `code` and the JSON of `content`."""

    def __init__(self, code: int, content: object) -> None:
        super().__init__(code, content)
        self.code = code
        self.content = content if not isinstance(content, str) else {"detail": content}


@attrs.frozen
class ApiRequest:
    """
    One request as it came: the target with its query, header names in lower case, and the body.

    `base` is scheme and host, for the addresses in answers: "http://host:port".
    """

    method: str
    target: str
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    base: str = "http://testserver"

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


def authenticate(header: str | None, store: JobStore) -> UserAccount:
    """Return the user of an Authorization header; raise ApiError 403, never 401."""
    words = (header or "").split()
    scheme = words[0].lower() if words else ""
    if scheme == "basic":
        raise ApiError(403, "Invalid username/password.")
    if scheme != "token":
        raise ApiError(403, "Authentication credentials were not provided.")
    if len(words) == 1:
        raise ApiError(403, "Invalid token header. No credentials provided.")
    if len(words) > 2:
        raise ApiError(403, "Invalid token header. Token string should not contain spaces.")
    user = store.user_of(words[1])
    if user is None:
        raise ApiError(403, "Invalid token.")
    if not user.active:
        raise ApiError(403, "User inactive or deleted.")
    return user


def wants_page(accept: str | None, format: str | None) -> bool:
    """Return whether the browsable page is wanted instead of JSON; raise ApiError 404 and 406."""
    if format is not None:
        if format not in ("json", "api"):
            raise ApiError(404, "Not found.")
        return format == "api"
    ranges = [part.partition(";")[0].strip() for part in (accept or "*/*").split(",")]
    exact = [name for name in ranges if "*" not in name]
    for names in (exact, [name for name in ranges if name not in exact]):
        if {"application/json", "application/*"} & set(names):
            return False
        if {"text/html", "text/*"} & set(names):
            return True
        if "*/*" in names:
            return False
    raise ApiError(406, "Could not satisfy the request Accept header.")


def parse_body(request: ApiRequest) -> RequestBody:
    """Return the members of the body; raise ApiError 400 and 415."""
    sent = request.headers.get("content-type", "text/plain")
    kind = sent.partition(";")[0].strip().lower()
    form = kind in ("application/x-www-form-urlencoded", "multipart/form-data")
    # A chunked body is read as empty: all three servers do.
    if not request.body or "content-length" not in request.headers:
        return RequestBody({}, form)
    if kind == "application/json":
        return RequestBody(_json_members(request.body))
    if kind == "application/x-www-form-urlencoded":
        text = request.body.decode("utf-8", "replace")
        return RequestBody(dict(parse_qsl(text, keep_blank_values=True)), form)
    if kind == "multipart/form-data":
        return RequestBody(_multipart_members(sent, request.body), form)
    raise ApiError(415, f'Unsupported media type "{sent}" in request.')


def _json_members(body: bytes) -> dict[str, object]:
    try:
        members: object = json.loads(body.decode())
    except ValueError:
        raise ApiError(400, "JSON parse error - No JSON object could be decoded") from None
    if isinstance(members, dict):
        return members
    kind = "unicode" if isinstance(members, str) else type(members).__name__
    sentence = f"Invalid data. Expected a dictionary, but got {kind}."
    raise ApiError(400, {"non_field_errors": [sentence]})


def _multipart_members(content_type: str, body: bytes) -> dict[str, object]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    members: dict[str, object] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            members[name] = payload.decode("utf-8", "replace")
    return members
