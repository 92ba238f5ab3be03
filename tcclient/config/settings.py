"""
The settings file: its keys, their defaults and what each must be.

Knows the keys; leaves JSON to `document`, placeholders and references to `resolve`, comparing to
`schema` and single values to `values`.  Says nothing about what is in the section `logging`, which
`logs` hands to the standard library.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, structs

from tcclient.config import values
from tcclient.config.document import Fault, Unreadable, one_line, read_document
from tcclient.config.resolve import Sources, refuse_old_dialect, refuse_placeholders
from tcclient.config.schema import Schema
from tcclient.config.values import Secret
from tcclient.sources.twitter_v2.budget.budget import limits_from
from tcclient.sources.twitter_v2.fields import parameters

__all__ = [
    "Output",
    "Secret",
    "Server",
    "Settings",
    "SettingsError",
    "Twitter",
    "TwitterAuth",
    "load",
]

# What `description`, `read` and `hidden` do stands in `schema`.  An address is hidden because
# people paste it with a password in it.
_Url = Annotated[
    str,
    Meta(
        description="an http:// or https:// address without user, query and fragment",
        extra={"read": values.web_address, "hidden": True},
    ),
]
_Credential = Annotated[
    Secret,
    Meta(
        description="a non-empty string without white space",
        extra={"read": values.secret, "hidden": True},
    ),
]
_OptionalCredential = Annotated[
    Secret | None,
    Meta(
        description="a non-empty string without white space, or null",
        extra={"read": values.secret, "hidden": True},
    ),
]
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
    The settings cannot be used.

    str() is one sentence with the file, the JSON path, what is expected and what was found; it
    never holds a secret.
    """


class Server(Struct, frozen=True, kw_only=True):
    """The capture server; `base_url` ends in exactly one slash, the intervals are seconds."""

    base_url: _Url
    client_id: Annotated[int, Meta(ge=1, le=2**63 - 1, description="a whole number from 1 up")]
    auth_token: _Credential
    ping_interval: _Interval = 10.0
    update_interval: _Interval = 30.0


class TwitterAuth(Struct, frozen=True, kw_only=True):
    """
    The credentials.  v1.1 signs with all four keys; v2 needs a bearer token, or api_key and
    api_secret, which buy one.
    """

    api_key: _OptionalCredential = None
    api_secret: _OptionalCredential = None
    access_token: _OptionalCredential = None
    access_token_secret: _OptionalCredential = None
    bearer_token: _OptionalCredential = None

    def present(self) -> dict[str, Secret]:
        """Those that are there, by name."""
        named = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: secret for name, secret in named.items() if secret is not None}


class Twitter(Struct, frozen=True, kw_only=True):
    """
    Where the stream is and what is asked of it.  The addresses end in exactly one slash;
    `stream_url` is v1.1's, all from `api_url` to `backfill` is v2's.
    """

    api: Annotated[Literal["2", "1.1"], Meta(description='"2" or "1.1"')] = "2"
    stream_url: _Url = "https://stream.twitter.com/1.1/"
    stall_timeout: Annotated[
        Annotated[float, Meta(gt=0, le=86400)] | None,
        Meta(
            description="a number of seconds above 0, 86400 at most, or null for 30 s on v2 and "
            "90 s on v1.1"
        ),
    ] = None
    api_url: _Url = "https://api.x.com/"
    fields: Annotated[
        dict[str, list[str]] | None,
        Meta(description='an object of lists such as {"tweet.fields": ["created_at"]}, or null'),
    ] = None
    rule_length: Annotated[
        int, Meta(ge=128, le=2048, description="a whole number of characters from 128 to 2048")
    ] = 1024
    rule_delay: Annotated[
        float, Meta(gt=0, le=3600, description="a number of seconds above 0, 3600 at most")
    ] = 20.0
    budget: Annotated[
        dict[str, Any] | None,
        Meta(
            description='{"posts_per_day": 10000, "posts_per_month": 200000}, one of them or both, '
            "whole numbers from 1 up, or null"
        ),
    ] = None
    backfill: Annotated[bool, Meta(description="true or false")] = False
    stock_http: Annotated[bool, Meta(description="true or false")] = False


class Output(Struct, frozen=True, kw_only=True):
    """Where tweets go and what the files are called; `base_dir` is absolute once loaded."""

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
    utc: Annotated[bool, Meta(description="true or false")] = False
    flush_interval: Annotated[
        float, Meta(ge=0, le=10, description="a number of seconds from 0 to 10")
    ] = 0.1
    fsync_interval: Annotated[
        float,
        Meta(gt=0, le=3600, description="a number of seconds above 0, and 3600 at the most"),
    ] = 1.0
    min_free_bytes: Annotated[
        int, Meta(ge=0, le=2**63 - 1, description="a whole number of bytes from 0 up")
    ] = 100_000_000


class _Keys(Struct, frozen=True, kw_only=True):
    """The keys of the file."""

    server: Server
    twitter_auth: TwitterAuth
    twitter: Twitter = Twitter()
    source_addr: Annotated[
        str | None,
        Meta(
            description="an IPv4 or IPv6 address of this machine, or null",
            extra={"read": values.address},
        ),
    ] = None
    output: Output = Output()
    logging: Annotated[
        dict[str, Any] | None,
        Meta(description="an object as logging.config.dictConfig takes it, or null"),
    ] = None


class Settings(_Keys, frozen=True, kw_only=True):
    """The whole file, and where it was read: `path` is absolute."""

    path: Path

    def fingerprint(self) -> str:
        """
        A hash of what decides about the data: equal ones capture alike.  Neither credentials nor
        the section `logging`, which may hold some, go into it.
        """
        server = structs.replace(self.server, auth_token=_NO_SECRET)
        parts = (server, self.twitter, self.source_addr, self.output)
        encoded = msgspec.json.encode(parts, enc_hook=str, order="deterministic")
        return hashlib.sha256(encoded).hexdigest()


_NO_SECRET = Secret("-")


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings in the file at `path`.  Raises SettingsError and nothing else."""
    try:
        path = path.absolute()
        return _load(path, environ)
    except (Fault, Unreadable) as error:
        raise SettingsError(f"{one_line(path)}: {error}") from None
    except OSError as error:  # the current folder is gone, and the path was relative to it
        raise SettingsError(f"{one_line(path)}: cannot be found: {error.strerror}") from None


def _load(path: Path, environ: Mapping[str, str]) -> Settings:
    document = read_document(path)
    refuse_old_dialect(document)
    refuse_placeholders(document)
    sources = Sources(path.parent, environ)
    schema = Schema(_Keys, sources.origins)
    checked = schema.checked(sources.resolved(document))
    keys = schema.convert(checked, _Keys)
    _check_names(keys.output, schema)
    _check_credentials(keys)
    _check_fields(keys.twitter, schema)
    _check_budget(keys.twitter, schema)
    base_dir = path.parent / keys.output.base_dir
    return Settings(
        path=path,
        server=keys.server,
        twitter_auth=keys.twitter_auth,
        twitter=keys.twitter,
        source_addr=keys.source_addr,
        output=structs.replace(keys.output, base_dir=base_dir),
        logging=keys.logging,
    )


def _check_credentials(keys: _Keys) -> None:
    """Raises Fault where the API that is asked needs a credential that is not there."""
    auth = keys.twitter_auth
    if keys.twitter.api == "2" and auth.bearer_token is not None:
        return
    needed = ["api_key", "api_secret"]
    words = "bearer_token, or api_key and api_secret"
    if keys.twitter.api == "1.1":
        needed += ["access_token", "access_token_secret"]
        words = "api_key, api_secret, access_token and access_token_secret"
    for name in needed:
        if getattr(auth, name) is None:
            where = ("twitter_auth", name)
            raise Fault(where, f"must have a value: API {keys.twitter.api} needs {words}")


def _check_fields(twitter: Twitter, schema: Schema) -> None:
    try:
        parameters(twitter.fields)
    except ValueError as e:
        raise schema.fault(("twitter", "fields"), f"one in which {e}") from e


def _check_budget(twitter: Twitter, schema: Schema) -> None:
    try:
        limits_from(twitter.budget)
    except ValueError as e:
        raise schema.fault(("twitter", "budget"), f"one in which {e}") from e


def _check_names(output: Output, schema: Schema) -> None:
    """Raises Fault where two files of one capture could share a name."""
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
