"""How deployed capture servers differ and fail: the choices, and their shapes in JSON."""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
StatusCode: TypeAlias = Annotated[int, msgspec.Meta(ge=200, le=599)]


class Quirks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What kind of server this is.

    framing: "chunked" HTTP/1.1 kept alive; "close" HTTP/1.1 that ends the body by closing;
    "http10" the same under HTTP/1.0.
    without_activejobs_detail: 405 refuses every write to activejobs/<id>/, 404 has no such page
    (HTML), null serves it.
    keywords_member: the name before August 2016 was twitter_keywords.
    database: "mysql" holds 32 bits in an integer and says so, "sqlite" 64 and crashes.
    server_id: what a newer server calls itself under any address, in each page of a list.
    """

    framing: Literal["chunked", "close", "http10"] = "chunked"
    without_activejobs_detail: Literal[404, 405] | None = None
    keywords_member: Literal["keywords", "twitter_keywords"] = "keywords"
    database: Literal["sqlite", "mysql"] = "sqlite"
    server_id: str | None = None


class Planned(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    """
    A fault that is to happen to requests.

    It concerns the next `times` requests (null: all) of this method (null: any) below this
    path.  In JSON `kind` says which fault: {"kind": "cut", "after": 10}.
    """

    method: str | None = None
    path: str = "/api/"
    times: Positive | None = 1

    def concerns(self, method: str, path: str) -> bool:
        """Return whether a request is one of those meant."""
        return self.method in (None, method) and path.startswith(self.path)


class Answered(Planned, frozen=True, tag="answer"):
    """
    Sends another answer: by default the server's 500 page.

    `json` makes the body and its content type where it is given, else `body` does.  With
    `processed` the server did its work first, as when a proxy loses the true answer.
    """

    status: StatusCode = 500
    body: str = "<h1>Server Error (500)</h1>"
    content_type: str = "text/html"
    json: Any = msgspec.UNSET
    processed: bool = False


class Silent(Planned, frozen=True, tag="silence"):
    """Never answers; the connection stays open."""

    processed: bool = False


class Closed(Planned, frozen=True, tag="close"):
    """Ends the connection without a byte of an answer."""

    processed: bool = False


class Redirected(Planned, frozen=True, tag="redirect"):
    """Sends the client elsewhere; the server does nothing."""

    location: str
    status: StatusCode = 302


class Dripped(Planned, frozen=True, tag="drip"):
    """Sends the body `size` bytes at a time, `seconds` apart."""

    size: Positive = 1
    seconds: Seconds = 1.0


class Cut(Planned, frozen=True, tag="cut"):
    """Ends the connection after so many bytes of the body; half of it where null."""

    after: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Incomplete(Planned, frozen=True, tag="missing"):
    """Leaves these members out of the answer, or out of each of its results if it is a list."""

    members: list[str]


class Big(Planned, frozen=True, tag="big"):
    """Puts blanks after the answer, up to `size` bytes in all: good JSON, too much of it."""

    size: Positive


class Delayed(Planned, frozen=True, tag="delay"):
    """Processes the request at once and answers `seconds` later, when it may be stale."""

    seconds: Seconds


ServerFault: TypeAlias = (
    Answered | Silent | Closed | Redirected | Dripped | Cut | Incomplete | Big | Delayed
)


def kind(fault: ServerFault) -> str:
    """Return the name that JSON has for this fault."""
    return str(type(fault).__struct_config__.tag)
