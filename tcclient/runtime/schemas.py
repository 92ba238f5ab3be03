"""JSON Schemas of structs, the same on every Python.  Knows no struct.  Pure."""

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec


def schemas(
    types: Iterable[Any], place: str = "#/$defs/"
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return the schemas of the types, and those of what they refer to as `<place><name>`."""
    found, components = msgspec.json.schema_components(types, ref_template=f"{place}{{name}}")
    for component in components.values():
        if "description" in component:
            # Python 3.13 takes the indentation out of a docstring, those before leave it in.
            component["description"] = inspect.cleandoc(component["description"])
    return list(found), components
