"""
Compares a document with the msgspec Structs that describe it: finds unknown and missing keys, turns
strings into values, and says in a sentence what does not fit.  Joins Structs of one section.

Knows Structs and their Meta, any of them; knows no key by name.  In a Meta, `description`
completes "must be ...", `extra["read"]` turns the string of the document into the value, and with
`extra["hidden"]` no sentence repeats the value.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_args

import msgspec
from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import FieldInfo, fields

from tcclient.runtime.byname import load_by_name
from tcclient.runtime.places import MAX_SHOWN, Fault, Where, json_path, kind, shown
from tcclient.runtime.secrets import Unfit


class Schema(msgspec.Struct, frozen=True):
    """
    The keys that a document may have: those of `shape`.

    `origins` has for each place of the document that was filled from elsewhere where its value is,
    in words: a sentence about such a place tells this and not the value.
    """

    shape: type[Struct]
    origins: Mapping[Where, str]

    def read(self, document: Mapping[str, Any]) -> Any:
        """
        Return the document as a Struct of that shape.  Raises Fault for an unknown or missing key,
        and for a value that its key cannot use.
        """
        self._check_unknown(self.shape, document, ())
        values = self._values(self.shape, document, ())
        try:
            return msgspec.convert(values, self.shape, dec_hook=_as_it_is)
        except msgspec.ValidationError as error:
            path, inside, _ = str(error).rpartition("`$.")[2].rstrip("`").partition("[")
            where = tuple(path.split("."))
            field, value = self._at(where, values)
            found = "one with another kind of value in it" if inside else ""
            raise self._wrong(where, field, value, found) from None

    def fault(self, where: Where, found: str) -> Fault:
        """Return what to raise about the key at `where` after a check that no type can express."""
        field, _ = self._at(where, {})
        return Fault(where, f"must be {_meta(field).description}, found {found}")

    def _check_unknown(self, shape: type[Struct], value: object, where: Where) -> None:
        """Raise Fault for an unknown key at or below `where`, or a section that is no object."""
        if not isinstance(value, dict):
            raise Fault(where, f"must be an object, found {kind(value)}")
        known = {field.name: field for field in fields(shape)}
        for key, item in value.items():
            if key not in known:
                nearest = self._nearest(key, where, known)
                hint = "" if nearest == where else f", the nearest one is {json_path(nearest)}"
                raise Fault((*where, key), f"is not a known key{hint}")
            section = _section(known[key])
            if section:
                self._check_unknown(section, item, (*where, key))

    def _nearest(self, key: str, where: Where, siblings: Iterable[str]) -> Where:
        """Return the known place with the name most like `key`, rather in the same section."""
        places = {place[-1]: place for place in _places(self.shape, ())}
        places |= {name: (*where, name) for name in siblings}
        names = [str(name) for name in places]
        close_matches = load_by_name("difflib:get_close_matches")
        [name] = close_matches(key[:MAX_SHOWN], names, n=1, cutoff=0.0)
        return places[name]

    def _values(
        self, shape: type[Struct], section: Mapping[str, Any], where: Where
    ) -> dict[str, Any]:
        """Return the section at `where` with its strings turned into values.  Raises Fault."""
        values: dict[str, Any] = {}
        for field in fields(shape):
            place = (*where, field.name)
            if field.name not in section:
                if field.required:
                    raise Fault(place, f"is missing, expected {_expected(field)}")
                continue
            inner, value = _section(field), section[field.name]
            if inner:
                values[field.name] = self._values(inner, value, place)
            else:
                values[field.name] = self._read(field, value, place)
        return values

    def _read(self, field: FieldInfo, value: object, where: Where) -> object:
        """Return the value of a key, read if it is a string that its Meta says how to read."""
        read = (_meta(field).extra or {}).get("read")
        if read is None or not isinstance(value, str):
            return value
        try:
            return read(value)
        except Unfit as error:
            raise self._wrong(where, field, value, f"{error}") from None

    def _wrong(self, where: Where, field: FieldInfo, value: object, found: str = "") -> Fault:
        """Return what to raise about a value; `found` are words for it that do not show it."""
        meta = _meta(field)
        if where in self.origins:
            found = f"{found or kind(value)} in {self.origins[where]}"
        elif not found:
            found = kind(value) if (meta.extra or {}).get("hidden") else shown(value)
        return Fault(where, f"must be {meta.description}, found {found}")

    def _at(self, where: Where, document: object) -> tuple[FieldInfo, object]:
        """Return the field at a place that exists in the shape, and the document's value there."""
        shape: type[Struct] | None = self.shape
        for key in where:
            assert shape is not None
            [field] = (field for field in fields(shape) if field.name == key)
            shape = _section(field)
            document = document.get(key) if isinstance(document, dict) else None
        return field, document


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


def _section(field: FieldInfo) -> type[Struct] | None:
    """Return the Struct of a key that is a section, None for any other key."""
    kind_of_field = field.type
    if isinstance(kind_of_field, type) and issubclass(kind_of_field, Struct):
        return kind_of_field
    return None


def _meta(field: FieldInfo) -> Meta:
    """Return the Meta with the description, which every key that is no section has."""
    return next(
        item for item in get_args(field.type)[1:] if isinstance(item, Meta) and item.description
    )


def _expected(field: FieldInfo) -> str:
    """Return what has to stand at a key, in words."""
    section = _section(field)
    if section is None:
        return str(_meta(field).description)
    return "an object with the keys " + ", ".join(inner.name for inner in fields(section))


def _places(shape: type[Struct], where: Where) -> Iterator[Where]:
    """Yield the place of each key of a shape that stands at `where`, sections and all below."""
    for field in fields(shape):
        yield (*where, field.name)
        section = _section(field)
        if section:
            yield from _places(section, (*where, field.name))


def _as_it_is(wanted: type, value: object) -> object:
    """Let pass what has been read already: msgspec calls this for types that it does not know."""
    if not isinstance(value, wanted):
        raise TypeError
    return value
