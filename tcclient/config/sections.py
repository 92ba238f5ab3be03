"""Joins the sections of the settings that several sources share.  Knows Structs; knows no key."""

from functools import cache
from typing import Any

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields


@cache  # sections are equal only if they are of one type, and so are settings from equal files
def joined(name: str, shapes: tuple[type[Struct], ...]) -> type[Struct]:
    """
    Return a Struct with the keys of all `shapes`, each once.  A key that is new in a shape stands
    before the one that follows it there.
    """
    keys: list[FieldInfo] = []
    for shape in shapes:
        following = len(keys)
        for field in reversed(fields(shape)):
            places = [place for place, key in enumerate(keys) if key.name == field.name]
            if places:
                following = places[0]
            else:
                keys.insert(following, field)
    return msgspec.defstruct(name, [_key(field) for field in keys], frozen=True, kw_only=True)


def _key(field: FieldInfo) -> Any:
    """Return a key as msgspec.defstruct() takes it."""
    if field.default_factory is not NODEFAULT:
        return field.name, field.type, msgspec.field(default_factory=field.default_factory)
    return field.name, field.type, field.default
