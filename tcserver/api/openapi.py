"""
The description of the interface by OpenAPI 3.1, made of the table of routes.  Pure.

Knows how types and fields are described; knows no endpoint.
"""

import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from msgspec import UNSET

from tcclient import __version__
from tcclient.runtime.schemas import schemas
from tcserver.api import fields
from tcserver.api.fields import LARGEST, MemberField
from tcserver.api.routes import LISTS, ROWS, Methods, Operation

ABOUT = """
What capture clients and people's scripts ask of this server. Each request shows a token, a client's
or a key of a person's, in the header Authorization: `Token 4e5ea4c4…`. The slash at the end of an
address may be left out. Numbers may come as text, and a body with the members of a job or of an
update as a form too. GET answers in HTML where the header Accept or `?format=api` asks for that.
"""
JSON = "application/json"
PLACE = "#/components/schemas/"

_NUMBER_TEXT = {"type": "string", "pattern": r"^\s*[+-]?[0-9]{1,40}(\.0*)?\s*$"}
_INTEGER = {"type": "integer", "minimum": -LARGEST - 1, "maximum": LARGEST}
SHAPES: Mapping[Any, Mapping[str, Any]] = {
    fields.job_name: {"type": "string", "pattern": r"^\s*[0-9a-zA-Z_\- ]{1,64}\s*$"},
    fields.text: {"anyOf": [{"type": "string", "minLength": 1}, {"type": "number"}]},
    fields.status: {"enum": [0, 1, 2, 3, 4, 5, "0", "1", "2", "3", "4", "5"]},
    fields.whole_number: {"anyOf": [_INTEGER, _NUMBER_TEXT]},
    fields.row_id: {"anyOf": [_INTEGER, _NUMBER_TEXT]},
    fields.rate: {"anyOf": [{"type": "number"}, {"type": "string"}]},
    fields.moment: {"type": "string", "format": "date-time"},
}
"""What each way to read a member takes, and here and there a little more."""

_REFUSED = {
    "type": "object",
    "description": "What is wrong: a sentence, or sentences on each member that is.",
    "additionalProperties": {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
    },
}
REFUSALS = {
    400: "It cannot be taken.",
    403: "No token, a wrong one, or not the asker's to do.",
    404: "There is none, or none that the asker may know of.",
    406: "It is not given in such a form.",
    409: "It does not follow what is there.",
    413: "It is too large.",
    415: "It is not of a type that is taken.",
    429: "Too many wrong tokens come from there.",
    503: "Not available now: Retry-After says when.",
}
NOT_THERE = {
    "description": REFUSALS[404],
    "content": {JSON: {"schema": {"$ref": f"{PLACE}Refused"}}, "text/html": {}},
}
"""Of an address that could not be of anything a page says so, as ever."""
_ROWS: Mapping[str, Mapping[str, Any]] = {
    "ledger": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    "users": {"type": "string", "pattern": "^([0-9]{1,18}|current)$"},
}
_NUMBER = {"type": "string", "pattern": "^[0-9]{1,18}$"}
_NATURAL = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}


@cache
def document() -> dict[str, Any]:
    """Return the description."""
    routes: dict[tuple[str, str | None], Methods]
    routes = {(f"/{name}/" if name else "/", None): methods for name, methods in LISTS.items()}
    routes |= {(f"/{name}/{{row}}/", name): methods for name, methods in ROWS.items()}
    operations = [one for methods in routes.values() for one in methods.values()]
    types = [*dict.fromkeys(kind for one in operations for kind in _types(one))]
    found, components = schemas(types, PLACE)
    known = dict(zip(types, found, strict=True))
    paths: dict[str, Any] = {}
    for (path, row), methods in routes.items():
        paths[path] = {
            method.lower(): _operation(f"{method} {path}", one, known, method)
            for method, one in methods.items()
        }
        if row is not None:
            schema = _ROWS.get(row, _NUMBER)
            paths[path]["parameters"] = [
                {"name": "row", "in": "path", "required": True, "schema": schema}
            ]
    return {
        "openapi": "3.1.0",
        "info": {"title": "tcc capture server", "version": __version__, "description": ABOUT},
        "servers": [{"url": "/api"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**components, "Refused": _REFUSED},
            "responses": {
                str(status): _response(description, {"$ref": f"{PLACE}Refused"})
                for status, description in REFUSALS.items()
            }
            | {"404": NOT_THERE},
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "Authorization"}
            },
        },
    }


def _types(operation: Operation) -> Iterator[Any]:
    """Yield the types of JSON that an operation takes and gives."""
    for kind in (operation.gives, operation.takes, operation.conflicts):
        if kind not in (UNSET, bytes, dict) and not isinstance(kind, Mapping):
            yield kind


def _operation(
    name: str, operation: Operation, known: Mapping[Any, Any], method: str
) -> dict[str, Any]:
    summary = inspect.cleandoc(operation.answer.__doc__ or "")
    described: dict[str, Any] = {
        "operationId": name,
        "description": summary,
        "responses": _responses(operation, known, has_row="{row}" in name),
    }
    if operation.query:
        described["parameters"] = [_parameter(*one) for one in operation.query.items()]
    if operation.takes is not UNSET:
        described["requestBody"] = _body(operation.takes, known, partial=method == "PATCH")
    return described


def _responses(operation: Operation, known: Mapping[Any, Any], *, has_row: bool) -> dict[str, Any]:
    refusals = {403, 406, 429, 503}
    if operation.takes is not UNSET:
        refusals |= {400, 413, 415}
    if has_row:
        refusals.add(404)
    if operation.conflicts is not UNSET:
        refusals.add(409)
    responses: dict[str, Any] = {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in refusals
    }
    if operation.conflicts in known:
        responses["409"] = _response(REFUSALS[409], known[operation.conflicts])
    gives = None if operation.gives is UNSET else known[operation.gives]
    responses[str(operation.status)] = _response("Done.", gives)
    return dict(sorted(responses.items()))


def _response(description: str, schema: object) -> dict[str, Any]:
    content = {} if schema is None else {"content": {JSON: {"schema": schema}}}
    return {"description": description, **content}


def _parameter(name: str, kind: Any) -> dict[str, Any]:
    schema = {} if kind is object else _NATURAL
    return {"name": name, "in": "query", "required": kind == [int], "schema": schema}


def _body(takes: Any, known: Mapping[Any, Any], *, partial: bool) -> dict[str, Any]:
    if takes is bytes:
        return {"content": {"application/octet-stream": {"schema": {}}}}
    if not isinstance(takes, Mapping):
        return {"required": True, "content": {JSON: {"schema": known[takes]}}}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _member(field) for name, field in takes.items()},
    }
    required = [name for name, field in takes.items() if field.required]
    if required and not partial:
        schema["required"] = required
    return {"required": True, "content": {JSON: {"schema": schema}}}


def _member(field: MemberField) -> dict[str, Any]:
    shape = dict(SHAPES[field.parse])
    return {"anyOf": [shape, {"type": "null"}]} if field.nullable else shape
