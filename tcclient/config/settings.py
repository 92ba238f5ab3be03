"""
The settings file: its keys, their defaults and what each must be.

Knows the keys that every file has, and asks the sources for theirs; leaves JSON to `document`,
placeholders and references to `resolve`, the comparison with the keys to `schema` and single values
to `values`.  Does not know what is in the section `logging`, which `logs` hands to the standard
library.
"""

import hashlib
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import NODEFAULT, Meta, Struct, structs
from msgspec.structs import fields

from tcclient.config import values
from tcclient.config.document import Unreadable, read_document
from tcclient.config.resolve import References, refuse_old_dialect, refuse_placeholders
from tcclient.config.schema import Schema, joined
from tcclient.runtime.addresses import address
from tcclient.runtime.cautions import exposed
from tcclient.runtime.keytypes import ChannelUrl, Credential, Flag, Url
from tcclient.runtime.places import Fault, printable
from tcclient.runtime.secrets import Secret
from tcclient.sources.registry import KINDS, chosen
from tcclient.sources.source import ConfiguredSource, SourceKind

_Interval = Annotated[
    float, Meta(ge=0.1, le=86400, description="a number of seconds from 0.1 to 86400")
]
_Extension = Annotated[
    str,
    Meta(
        description="a dot and the characters after it, without / and white space",
        extra={"read": values.extension},
    ),
]
_TIMEFMT = "a strftime format that names every slot differently, in at most 64 bytes without /"


class SettingsError(Exception):
    """
    Raised where the settings cannot be used.  str() is one sentence with the file, the JSON path,
    what is expected and what was found; it never holds a secret.
    """


class Server(Struct, frozen=True, kw_only=True):
    """
    The capture server; `base_url` ends in exactly one slash, the intervals are seconds.  `push_url`
    is where its real-time channel is, None for none, UNSET for beside `base_url`.
    """

    base_url: Url
    client_id: Annotated[int, Meta(ge=1, le=2**63 - 1, description="a whole number from 1 up")]
    auth_token: Credential
    ping_interval: _Interval = 10.0
    update_interval: _Interval = 30.0
    push_url: ChannelUrl = msgspec.UNSET


class Output(Struct, frozen=True, kw_only=True):
    """Where posts go and what the files are called; `base_dir` is absolute once loaded."""

    base_dir: Annotated[
        Path, Meta(description="the name of a folder", extra={"read": values.folder})
    ] = Path("data")
    extension: _Extension = ".json"
    temporary_extension: _Extension = ".tmp"
    minute_interval: Annotated[
        int, Meta(ge=1, le=60, description="a whole number of minutes from 1 to 60")
    ] = 10
    filename_timefmt: Annotated[
        str, Meta(description=_TIMEFMT, extra={"read": values.time_format})
    ] = "%Y%m%d_%H%M"
    utc: Flag = False
    flush_interval: Annotated[
        float, Meta(ge=0, le=10, description="a number of seconds from 0 to 10")
    ] = 0.14
    fsync_interval: Annotated[
        float,
        Meta(gt=0, le=3600, description="a number of seconds above 0, and 3600 at the most"),
    ] = 1.0
    min_free_bytes: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="a whole number of bytes from 0 up")
    ] = 100_000_000
    duplicates: Annotated[Literal["drop", "keep"], Meta(description='"drop" or "keep"')] = "drop"


_SourceAddr = Annotated[
    str | None,
    Meta(
        description="an IPv4 or IPv6 address of this machine, or null",
        extra={"read": address},
    ),
]
_Logging = Annotated[
    dict[str, Any] | None,
    Meta(description="an object as logging.config.dictConfig takes it, or null"),
]


class Settings(Struct, frozen=True, kw_only=True):
    """
    What a settings file says.  `path` is the file, absolute.  `source` is where posts come from;
    `sections` are those that describe it, as they are in the file, without its credentials;
    `secrets` are these credentials.  `secret_files` are the files that it takes values from.
    """

    path: Path
    secret_files: tuple[Path, ...] = ()
    server: Server
    source: ConfiguredSource
    sections: tuple[Struct, ...] = ()
    secrets: tuple[Secret, ...] = ()
    source_addr: str | None = None
    output: Output = Output()
    logging: dict[str, Any] | None = None

    def exposures(self, environ: Mapping[str, str]) -> list[str]:
        """
        Return a clause for each file that others can read though it holds secrets.  Neither a pipe
        counts nor what systemd hands over, whose mode says less than its ACL.  Raises OSError.
        """
        handed_over = Path(environ.get("CREDENTIALS_DIRECTORY") or "/dev/null")
        found = []
        for path in (self.path, *self.secret_files):
            mode = path.stat().st_mode
            if stat.S_ISREG(mode) and handed_over not in path.parents:
                what = "the settings file" if path == self.path else "a file of secrets"
                found.append(exposed(mode, str(path), what))
        return [clause for clause in found if clause]

    def fingerprint(self) -> str:
        """
        Return a hash of what decides about the data: settings with equal ones capture alike.
        Neither credentials nor the section `logging`, which may hold some, go into it.
        """
        output = self.output
        if output.flush_interval == Output().flush_interval:  # which was 0.1 in 1.0.0
            output = structs.replace(output, flush_interval=0.1)
        if output.duplicates == "drop":  # in 1.0.0 there was no such key; UNSET is not encoded
            output = structs.replace(output, duplicates=msgspec.UNSET)
        sections = map(_deciding, (self.server, *self.sections))
        parts = (*sections, self.source_addr, output)
        encoded = msgspec.json.encode(parts, enc_hook=_encodable, order="deterministic")
        return hashlib.sha256(encoded).hexdigest()


def _deciding(section: Struct) -> Struct:
    """Return a section without the keys that change no data."""
    others = [
        key.name
        for key in fields(section)
        for item in get_args(key.type)
        if isinstance(item, Meta) and (item.extra or {}).get("changes_no_data")
    ]
    return structs.replace(section, **dict.fromkeys(others, msgspec.UNSET))


def _encodable(value: object) -> object:
    """Return a path as text, and of a secret nothing."""
    return {} if isinstance(value, Secret) else str(value)


def load(path: Path, environ: Mapping[str, str], kinds: Sequence[SourceKind] = KINDS) -> Settings:
    """
    Return the settings in the file at `path`, for one of the `kinds` of sources; references in them
    are looked up in `environ`.  Raises SettingsError and nothing else.
    """
    try:
        path = path.absolute()
        return _load(path, environ, kinds)
    except (Fault, Unreadable) as error:
        raise SettingsError(f"{printable(path)}: {error}") from None
    except OSError as error:  # the current folder is gone, and the path was relative to it
        raise SettingsError(f"{printable(path)}: cannot be found: {error.strerror}") from None


def _load(path: Path, environ: Mapping[str, str], kinds: Sequence[SourceKind]) -> Settings:
    """Return the settings in the file.  Raises Fault and Unreadable."""
    document = read_document(path)
    refuse_old_dialect(document)
    refuse_placeholders(document)
    references = References(path.parent, environ)
    resolved = references.resolved(document)
    kind = chosen(resolved, kinds)
    schema = Schema(shape_for(kind, kinds), references.origins)
    keys = schema.read(resolved)
    output: Output = keys.output
    _check_names(output, schema)
    sections = {name: getattr(keys, name) for name in kind.sections}
    faults = (one.faults(sections) for one in kinds if one.sections.keys() <= sections.keys())
    for where, sentence in chain(kind.lacking(sections), *faults):
        raise Fault(where, sentence)
    return Settings(
        path=path,
        secret_files=tuple(dict.fromkeys(references.files)),
        server=keys.server,
        source=kind.configured(sections),
        sections=tuple(s for name, s in sections.items() if name not in kind.secret_sections),
        secrets=tuple(_secrets(sections[name] for name in kind.secret_sections)),
        source_addr=keys.source_addr,
        output=structs.replace(output, base_dir=path.parent / output.base_dir),
        logging=keys.logging,
    )


def _secrets(sections: Iterable[Struct]) -> Iterator[Secret]:
    """Yield the credentials in these sections, whether the source uses them or not."""
    for section in sections:
        for name in section.__struct_fields__:
            if isinstance(value := getattr(section, name), Secret):
                yield value


def shape_for(kind: SourceKind, kinds: Sequence[SourceKind]) -> type[Struct]:
    """
    Return a Struct of the keys that a file for this kind of source may have.  A section that other
    kinds read too may hold their keys as well.  A section with credentials, or with a key that has
    no default, has to be there.
    """
    sections: list[Any] = []
    for name in kind.sections:
        shapes = tuple(one.sections[name] for one in kinds if name in one.sections)
        section = joined(name, shapes)
        needed = name in kind.secret_sections or any(key.required for key in fields(section))
        sections.append((name, section, NODEFAULT if needed else section()))
    return msgspec.defstruct(
        "SettingsFile",
        [
            ("server", Server),
            *sections,
            ("source_addr", _SourceAddr, None),
            ("output", Output, Output()),
            ("logging", _Logging, None),
        ],
        frozen=True,
        kw_only=True,
    )


def _check_names(output: Output, schema: Schema) -> None:
    """Raise Fault where two files of one capture could have the same name."""
    if output.temporary_extension == output.extension:
        raise schema.fault(("output", "temporary_extension"), "the same as in extension")
    for key, ending in (
        ("extension", output.extension),
        ("temporary_extension", output.extension + output.temporary_extension),
    ):
        if ending.lower().endswith(values.RESERVED_ENDINGS):
            raise schema.fault(("output", key), "one that gives names of tcc's own files")
    alike = values.same_stamp(output.filename_timefmt, output.minute_interval)
    if alike:
        raise schema.fault(("output", "filename_timefmt"), f"one that names {alike} alike")
