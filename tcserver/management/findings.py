"""
What a check of an installation finds in its folder and its settings, one line each.

Knows files, the environment and the disk; asks neither database nor network.
"""

import socket
import stat
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import attrs

from tcserver.environment import DATABASE_FILE, SITE, Environment, SetupError
from tcserver.keys import FILE as SECRETS
from tcserver.keys import read_keys

ROOM = 1 << 30
"""Bytes below which a database that grows every minute has no room left."""
SHARE = 10
"""Percent of a disk below which it is time to make room."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class CheckLevel(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@attrs.frozen
class CheckLine:
    """What was looked at, how it is, and a sentence: what to do, unless it is well."""

    level: CheckLevel
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:<8} {self.subject}: {self.text}"


def well(subject: str, text: str) -> CheckLine:
    """Return that something is as it should be."""
    return CheckLine(CheckLevel.OK, subject, text)


def warning(subject: str, text: str) -> CheckLine:
    """Return that something works, and may be dangerous."""
    return CheckLine(CheckLevel.WARNING, subject, text)


def problem(subject: str, text: str) -> CheckLine:
    """Return that something does not work, or is dangerous."""
    return CheckLine(CheckLevel.PROBLEM, subject, text)


def folder(data: Path) -> CheckLine:
    """Return who else can look into the folder."""
    try:
        mode = stat.S_IMODE(data.stat().st_mode)
        database = stat.S_IMODE((data / DATABASE_FILE).stat().st_mode)
    except FileNotFoundError:
        database = 0
        if not data.is_dir():
            return problem("folder", f"{data} is not there; tcserver up --data {data} makes it.")
    except OSError as e:
        return problem("folder", f"{data} cannot be looked at: {e.strerror}.")
    cure = f"chmod 700 {data}"
    if mode & 0o022:
        return problem("folder", f"others may change what is in {data} (mode {mode:o}): {cure}.")
    if mode & 0o011 and database & 0o044:
        return warning("folder", f"others may read the database in {data} (mode {mode:o}): {cure}.")
    return well("folder", f"{data} (mode {mode:o}).")


def keys(data: Path) -> CheckLine:
    """Return whether the secrets can be used, and are secret."""
    try:
        read_keys(data)
    except SetupError as e:
        return problem("secrets", str(e))
    return well("secrets", f"{SECRETS} can be read by its owner alone.")


def site(environment: Environment) -> CheckLine:
    """Return how people and clients reach the site, and by which names it answers."""
    origin, host = environment.origin, environment.host
    if origin is None:
        return warning(
            "site",
            f"{SITE} is not set: the server answers by {', '.join(LOOPBACK)} and "
            f"{socket.gethostname()} alone. Set it to the address that people type.",
        )
    if not environment.secure and host not in LOOPBACK:
        return warning(
            "site",
            f"{origin} is not encrypted, so that passwords and tokens can be read on their way: "
            f"have a proxy speak TLS, and set {SITE} to an address with https:.",
        )
    return well("site", f"{origin}, by the name {host} alone.")


def disk(free: int, size: int) -> CheckLine:
    """Return whether there is room on the disk of the folder, of so many bytes."""
    share = 100 * free // max(size, 1)
    text = f"{free / 1e9:.1f} GB free, {share} %"
    if free < ROOM:
        return problem("disk", f"{text}: make room, the database grows.")
    if share < SHARE:
        return warning("disk", f"{text}: it is time to make room.")
    return well("disk", f"{text}.")


def of_files(environment: Environment, data: Path) -> Iterator[CheckLine]:
    """Yield what is found in the folder and of its address."""
    yield folder(data)
    yield keys(data)
    yield site(environment)
