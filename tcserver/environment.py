"""
What the environment says of this installation: where its data are, how it is reached.  Pure.

Knows the variables and the sentences with which they are refused; reads no file.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import dj_database_url

from tcserver.addresses import Network

DATA = "TCSERVER_DATA"
DATABASE = "DATABASE_URL"
SITE = "SITE_URL"
PROXIES = "TRUSTED_PROXIES"
DATABASE_FILE = "tcserver.sqlite3"

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)


class SetupError(Exception):
    """Raised where the server cannot run as it is set up; str() is one sentence."""


@attrs.frozen
class Environment:
    """
    Where things are.

    `data` is the folder of this installation, None where nothing is to be kept; `database` is
    Django's dictionary for it; `host` is the name in SITE_URL, None without one, and `secure` says
    that the site is reached by https alone.  What `proxies` say of where a request comes from is
    believed.
    """

    data: Path | None
    database: dict[str, Any]
    host: str | None = None
    origin: str | None = None
    proxies: Sequence[Network] = ()

    @property
    def secure(self) -> bool:
        """Whether people and clients reach the site by https."""
        return self.origin is not None and self.origin.startswith("https:")


def read(environ: Mapping[str, str]) -> Environment:
    """Return what `environ` says.  Raises SetupError."""
    folder = environ.get(DATA) or None
    data = None if folder is None else Path(folder).absolute()
    url = environ.get(DATABASE) or None
    database = _sqlite(data) if url is None else _from_url(url)
    origin, host = _site(environ.get(SITE) or None)
    return Environment(data, database, host, origin, _proxies(environ.get(PROXIES) or ""))


def listening(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, as in 127.0.0.1:8000.  Raises SetupError."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(host)
        number = int(port) if re.fullmatch("[0-9]{1,5}", port) else -1
    except ValueError:
        number = -1
    if not colon or not 0 <= number <= 65535:
        raise SetupError(
            "--listen takes the IP address of an interface, a colon and a port, "
            f"as in 127.0.0.1:8000, found {text!r}."
        )
    return host, number


def _sqlite(data: Path | None) -> dict[str, Any]:
    """Return the database that needs nothing else: a file in the folder, or none at all."""
    return {
        "ENGINE": "tcserver.sqlite",
        "NAME": ":memory:" if data is None else str(data / DATABASE_FILE),
        # A transaction that reads first and writes then fails at once where another one writes;
        # one that takes the lock at its beginning waits.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5.0,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
        "CONN_MAX_AGE": None,
    }


def _from_url(url: str) -> dict[str, Any]:
    """Return the PostgreSQL database of an address, whose password stays out of the sentence."""
    try:
        # The library knows many more kinds, of which none was tried.
        kind = urlsplit(url).scheme
        found = dict(dj_database_url.parse(url)) if kind in ("postgres", "postgresql") else {}
    except (ValueError, dj_database_url.ParseError, dj_database_url.UnknownSchemeError):
        found = {}
    if not found.get("NAME"):
        raise SetupError(
            f"{DATABASE} is the address of a PostgreSQL database, as in "
            "postgres://user:password@host:5432/name, or left out for a file in the data folder; "
            "found something else."
        )
    # Each working thread keeps one connection, and finds out whether it still works.
    return {**found, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}


def _proxies(text: str) -> tuple[Network, ...]:
    """Return the networks in a list with commas."""
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError:
        raise SetupError(
            f"{PROXIES} has the IP addresses of proxies, or networks of them, with commas between, "
            f"as in 127.0.0.1,10.0.0.0/8, found {text!r}."
        ) from None


def _site(url: str | None) -> tuple[str | None, str | None]:
    """Return the origin of the site's public address, and its host; both None without one."""
    if url is None:
        return None, None
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.path in ("", "/") and parts.port != 0
        host = parts.hostname if right and not (parts.query or parts.fragment) else None
    except ValueError:
        host = None
    if host is None or "@" in parts.netloc or not (_HOST.fullmatch(host) or ":" in host):
        raise SetupError(
            f"{SITE} is the address that people type, without a path, as in "
            f"https://captures.example.org, found {url!r}."
        )
    return f"{parts.scheme}://{parts.netloc}", f"[{host}]" if ":" in host else host
