"""
The kinds of lines that can be read in ledgers: those that every capture has, and those of sources.

Knows how a decoded line becomes an entry; reads no file.
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import Any

import msgspec

from tcclient.ledger import bookings, entries
from tcclient.ledger.entries import MOMENT_PATTERN, VERSION, Entry
from tcclient.runtime.schemas import schemas

_MODULES = {bookings.__name__, entries.__name__}
"""Where the kinds of lines are that every capture has; sources derive kinds of their own."""


def _leaves(type_: type[Entry]) -> list[type[Entry]]:
    """Return the kinds of lines below a type that every capture has."""
    below = [one for one in type_.__subclasses__() if one.__module__ in _MODULES]
    return [leaf for one in below for leaf in _leaves(one)] if below else [type_]


class Vocabulary(msgspec.Struct, frozen=True):
    """The kinds of lines that are known, by the words that ledgers have for them."""

    kinds: Mapping[str, type[Entry]]

    @classmethod
    def of(cls, types: Iterable[type[Entry]]) -> "Vocabulary":
        """Return the vocabulary of these types.  Raises ValueError if two have the same word."""
        kinds: dict[str, type[Entry]] = {}
        for type_ in types:
            word = str(type_.__struct_config__.tag)
            if word in kinds:
                raise ValueError(f"two kinds of lines are called {word!r}")
            kinds[word] = type_
        return cls(kinds)

    def plus(self, types: Iterable[type[Entry]]) -> "Vocabulary":
        """Return this vocabulary and more kinds.  Raises ValueError if two have the same word."""
        return Vocabulary.of((*self.kinds.values(), *types))

    def read(self, line: Mapping[str, Any]) -> Entry | None:
        """
        Return the entry of a decoded line; None if its kind is not known here, or its members are
        not as they should be.  Members that are not known are passed over.
        """
        kind = line.get("kind")
        type_ = self.kinds.get(kind) if isinstance(kind, str) else None
        if type_ is None:
            return None
        names = ("kind", *type_.__struct_encode_fields__)
        try:
            return msgspec.convert({name: line[name] for name in names if name in line}, type_)
        except msgspec.ValidationError:
            return None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a line: a union of all kinds, whose tag is `kind`."""
        [union], components = schemas([reduce(or_, self.kinds.values())])
        for reference in union["discriminator"]["mapping"].values():
            kind = components[reference.rpartition("/")[2]]
            at = {"type": "string", "pattern": MOMENT_PATTERN}
            kind["properties"] = {"at": at, "job": {"type": "integer"}, **kind["properties"]}
            kind["required"] = ["at", *kind["required"]]
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"A line of a ledger of tcc, version {VERSION}",
            **union,
            "$defs": components,
        }


COMMON = Vocabulary.of(_leaves(Entry))
"""The kinds of lines that there are whatever the source of the posts."""
