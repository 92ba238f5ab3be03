"""Sections of the settings that two kinds of sources share, and what is one kind's of them."""

from typing import TypeVar

from msgspec import Struct

S = TypeVar("S", bound=Struct)


def narrowed(section: Struct, shape: type[S]) -> S:
    """Return the keys that `shape` has of a section, which may have others besides them."""
    return shape(**{name: getattr(section, name) for name in shape.__struct_fields__})
