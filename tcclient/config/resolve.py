"""
What happens to the settings document before its keys are looked at: keys of the old client are
refused, and so are placeholders; values that stand elsewhere are fetched.

Knows `{"env": ...}`, `{"file": ...}`, `<...>` and `_extend`; does not know which keys there are.
The section `logging` belongs to logging.config and is left as it is.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from tcclient.config.document import Unreadable, is_text, places, read_bounded
from tcclient.runtime.places import Fault, Where, json_path, kind, printable, shown

MAX_VALUE = 1 << 16  # bytes in a {"file"}: keys and tokens have some dozens

_PLACEHOLDER = re.compile(r"\s*<.*>\s*", re.DOTALL)
_REFERENCES = {"env", "file"}
_LOGGING: Where = ("logging",)


def refuse_old_dialect(document: Mapping[str, Any]) -> None:
    """Raise Fault for a key that only the old client knew, and say what to do instead."""
    for where, _ in places(document):
        if where[-1:] == ("_extend",):
            raise Fault(
                where,
                "is a key of the old client and is not read: write one whole settings file for "
                "each client, and put what they share, such as a key, into a file named by "
                '{"file": "path"}',
            )
    if "client" in document:
        raise Fault(
            ("client",),
            "is a section of the old client and is not read: "
            "move client.logging to the top-level key logging",
        )


def refuse_placeholders(document: Mapping[str, Any]) -> None:
    """Raise a Fault that names each string which still is a `<placeholder>` of the example."""
    found = [
        where
        for where, value in places(document)
        if isinstance(value, str) and _PLACEHOLDER.fullmatch(value) and where[:1] != _LOGGING
    ]
    if found:
        others = ", ".join(json_path(where) for where in found[1:])
        raise Fault(found[0], _UNFILLED + (f" (so must {others})" if others else ""))


_UNFILLED = "must be filled in, found a placeholder <...>"


class References(Struct, frozen=True):
    """
    Fetches values that stand in the environment or in a file instead of in the settings.  Names of
    files are relative to `folder`.

    `origins` collects for each place that was filled from elsewhere where its value is, in words:
    such a value is nobody's business, and a sentence about it tells its origin instead.  `files`
    collects the files.
    """

    folder: Path
    environ: Mapping[str, str]
    origins: dict[Where, str] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)

    def resolved(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy of the document with each reference replaced.  Raises Fault."""
        return {key: self._resolve(value, (key,)) for key, value in document.items()}

    def _resolve(self, value: object, where: Where) -> object:
        """Return a value with each reference at or below `where` replaced."""
        if where == _LOGGING:
            return value
        if isinstance(value, dict):
            if value and value.keys() <= _REFERENCES:
                return self._fetch(value, where)
            return {key: self._resolve(item, (*where, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._resolve(item, (*where, index)) for index, item in enumerate(value)]
        return value

    def _fetch(self, reference: Mapping[str, Any], where: Where) -> str:
        """Return the text that a reference leads to.  Raises Fault if it leads to none."""
        if len(reference) > 1:
            raise Fault(where, 'must be {"env": "NAME"} or {"file": "path"}, found both')
        [(source, name)] = reference.items()
        if not isinstance(name, str) or not name:
            found = "an empty string" if name == "" else kind(name)
            raise Fault((*where, source), f"must be a name, found {found}")
        text = self._from_env(name, where) if source == "env" else self._from_file(name, where)
        origin = self.origins[where]
        if not text:
            raise Fault(where, f"must have a value, but {origin} is empty")
        if not is_text(text):
            raise Fault(where, f"must be UTF-8 text, but {origin} holds something else")
        if _PLACEHOLDER.fullmatch(text):
            raise Fault(where, f"{_UNFILLED} in {origin}")
        return text

    def _from_env(self, name: str, where: Where) -> str:
        self.origins[where] = f"the environment variable {shown(name)}"
        text = self.environ.get(name)
        if text is None:
            raise Fault(where, f"must have a value, but {self.origins[where]} is not set")
        return text

    def _from_file(self, name: str, where: Where) -> str:
        path = self.folder / name
        self.files.append(path)
        self.origins[where] = f"the file {printable(path)}"
        try:
            text = read_bounded(path, MAX_VALUE)
        except Unreadable as error:
            raise Fault(where, f"must have a value, but {self.origins[where]} {error}") from None
        return text.removesuffix("\n").removesuffix("\r")
