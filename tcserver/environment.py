"""
What the environment says of this installation: where its data are, how it is reached.  Pure.

Knows the variables and the sentences with which they are refused; reads no file.
"""

import hashlib
import ipaddress
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import dj_database_url

from tcserver.addresses import Network
from tcserver.alertsettings import AlertSettings, WrongAlertSetting, read_alerts

DATA = "TCSERVER_DATA"
DATABASE = "DATABASE_URL"
SITE = "SITE_URL"
PROXIES = "TRUSTED_PROXIES"
PREFIX = "TCSERVER_"
"""How the names begin of variables that are of nobody else."""
REDIS = "REDIS_URL"
KEEP_UPDATES = "KEEP_UPDATES_DAYS"
KEEP_MINUTES = "KEEP_MINUTES_DAYS"
LEDGERS = "LEDGERS_GIB"
OTHERS = (DATABASE, REDIS, SITE, PROXIES, KEEP_UPDATES, KEEP_MINUTES, LEDGERS)
MOST = 36_500
DATABASE_FILE = "tcserver.sqlite3"
PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 10_000,
}
"""
How long PostgreSQL is waited for, in seconds and, last, milliseconds: where its machine vanishes,
threads would wait for a quarter of an hour.  A parameter in the address comes before these.
"""

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
    believed.  Updates as they came, and posts by the minute, are kept for so many days; of
    the ledgers of one client no more than so many GiB are taken.
    """

    data: Path | None
    database: dict[str, Any]
    host: str | None = None
    origin: str | None = None
    proxies: Sequence[Network] = ()
    redis: str | None = attrs.field(default=None, repr=False)
    keep_updates: int = 7
    keep_minutes: int = 90
    ledgers_gib: int = 8
    alerts: AlertSettings = attrs.field(factory=AlertSettings)

    @property
    def secure(self) -> bool:
        """Whether people and clients reach the site by https."""
        return self.origin is not None and self.origin.startswith("https:")


def read(environ: Mapping[str, str]) -> Environment:
    """Return what `environ` says.  Raises SetupError, also for a variable that there is not."""
    for name in sorted(environ):
        if name.startswith(PREFIX) and name != DATA:
            *known, last = (DATA, *OTHERS)
            known_ones = f"{', '.join(known)} and {last}"
            raise SetupError(f"There is no variable {name}: the server's are {known_ones}.")
    folder = environ.get(DATA) or None
    data = None if folder is None else Path(folder).absolute()
    url = environ.get(DATABASE) or None
    database = _sqlite(data) if url is None else _from_url(url)
    origin, host = _site(environ.get(SITE) or None)
    return Environment(
        data,
        database,
        host,
        origin,
        _proxies(environ.get(PROXIES) or ""),
        _redis(environ.get(REDIS) or None),
        _number(environ, KEEP_UPDATES, "days", 7),
        _number(environ, KEEP_MINUTES, "days", 90),
        _number(environ, LEDGERS, "GiB", 8),
        _alerts(environ, host),
    )


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
        # What was accepted outlasts a power cut: with NORMAL the last commits may be taken back.
        # A transaction that reads first and writes then fails at once where another one writes;
        # one that takes the lock at its beginning waits.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5.0,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
        "CONN_MAX_AGE": None,
    }


def _from_url(url: str) -> dict[str, Any]:
    """Return the PostgreSQL database of an address, whose password stays out of the sentence."""
    found: dict[str, Any] = {}
    with suppress(ValueError, dj_database_url.ParseError, dj_database_url.UnknownSchemeError):
        # The library knows many more kinds, of which none was tried.
        if urlsplit(url).scheme in ("postgres", "postgresql"):
            found.update(dj_database_url.parse(url))
    if not found.get("NAME"):
        raise SetupError(
            f"{DATABASE} is the address of a PostgreSQL database, as in "
            "postgres://user:password@host:5432/name, or left out for a file in the data folder; "
            "found something else."
        )
    options = {**PATIENCE, **found.get("OPTIONS", {})}
    # Each working thread keeps one connection, and finds out whether it still works.
    kept = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    return {**found, **kept, "OPTIONS": options, "ENGINE": "tcserver.postgresql"}


def channel_layer(redis: str | None, secret: str) -> dict[str, Any]:
    """
    Return Channels' setting for the layer that carries hints between processes: Redis, or without
    an address what one process needs.  Installations that share one Redis do not hear each other.
    """
    if redis is None:
        config = {"capacity": 10_000}
        return {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": config}
    # A layer of lists loses its readers with a restart of Redis; subscriptions come back.
    return {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [redis], "prefix": _prefix(secret)},
    }


def cache(redis: str | None, secret: str) -> dict[str, Any]:
    """
    Return Django's setting for what is kept for a moment: by Redis, where all processes have it, or
    without an address by this process.  Installations that share one Redis do not see each other's.
    """
    if redis is None:
        options: dict[str, Any] = {"MAX_ENTRIES": 10_000}
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": options}
    # What is kept is JSON: nothing that Redis holds is to be run here.
    options = {"serializer": "tcserver.shortmemory.PlainBytes", "socket_timeout": 1.0}
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis,
        "KEY_PREFIX": _prefix(secret),
        "OPTIONS": options | {"socket_connect_timeout": 1.0},
    }


def _prefix(secret: str) -> str:
    """Return what the keys of an installation begin with in a Redis."""
    return f"tcserver-{hashlib.sha256(f'layer {secret}'.encode()).hexdigest()[:16]}"


def _redis(url: str | None) -> str | None:
    """Return the address of a Redis, whose password stays out of the sentence."""
    if url is None:
        return None
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("redis", "rediss") and parts.hostname and parts.port != 0:
            return url
    raise SetupError(
        f"{REDIS} is the address of a Redis, as in redis://host:6379/0, or left out where one "
        "process serves; found something else."
    )


def _proxies(text: str) -> tuple[Network, ...]:
    """Return the networks in a list with commas."""
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError:
        raise SetupError(
            f"{PROXIES} has the IP addresses of proxies, or networks of them, with commas between, "
            f"as in 127.0.0.1,10.0.0.0/8, found {text!r}."
        ) from None


def _alerts(environ: Mapping[str, str], host: str | None) -> AlertSettings:
    try:
        return read_alerts(environ, host)
    except WrongAlertSetting as e:
        raise SetupError(str(e)) from None


def _number(environ: Mapping[str, str], name: str, of: str, default: int) -> int:
    """Return a number, at least one."""
    text = environ.get(name) or str(default)
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= MOST:
        raise SetupError(f"{name} is a number of {of} from 1 to {MOST}, found {text!r}.")
    return int(text)


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
