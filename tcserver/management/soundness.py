"""
What a check of an installation finds in its database, and what that knows of the clock.

Knows SQL that is the same everywhere; uses a connection of its own, so that it needs no secrets.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from tcserver.environment import Environment
from tcserver.management.findings import CheckLine, problem, warning, well
from tcserver.management.telling import of_channels

ALIAS = "checked"
LATE = timedelta(seconds=5)
"""How far clocks may be apart before dates are misleading."""
WITHIN = 5
"""Seconds in which PostgreSQL answers."""
LATELY = timedelta(hours=1)
"""How old a client's word on its clock may be."""

_NEWEST = "SELECT MAX(at) FROM history_historyentry"
_OFFSETS = """
SELECT clock_offset FROM fleet_client
WHERE clock_offset IS NOT NULL AND retired_at IS NULL AND host_reported_at > %s
"""
_ADMINISTRATORS = "SELECT COUNT(*) FROM people_user WHERE is_superuser AND is_active"


def of_database(environment: Environment, now: datetime) -> Iterator[CheckLine]:
    """Yield whether the database answers, is of this release, and agrees with the clock."""
    name = Path(environment.database["NAME"])
    is_file = environment.database["ENGINE"] == "tcserver.sqlite"
    if is_file and not name.is_file():
        yield problem("database", f"{name} is not there: tcserver up makes it.")
        return
    try:
        with opened(environment) as connection:
            fault = _missing(connection)
            yield fault or well("database", f"{connection.vendor} answers, and is of this release.")
            if fault is None:
                yield _administrators(connection)
                yield of_channels(connection, environment.alerts)
                yield _clock(connection, now)
    except DatabaseError as e:
        reason = str(e).strip().partition("\n")[0]
        yield problem("database", f"it cannot be used: {reason}.")


@contextmanager
def opened(environment: Environment) -> Iterator[BaseDatabaseWrapper]:
    """Give a connection to the environment's database, which Django knows by ALIAS meanwhile."""
    database = {**environment.database}
    if database["ENGINE"] != "tcserver.sqlite":
        database["OPTIONS"] = {**database.get("OPTIONS", {}), "connect_timeout": WITHIN}
    known = connections.settings
    known[ALIAS] = connections.configure_settings({"default": {}, ALIAS: database})[ALIAS]
    connection = connections[ALIAS]
    try:
        connection.ensure_connection()
        yield connection
    finally:
        connection.close()
        del connections[ALIAS], known[ALIAS]


def _missing(connection: BaseDatabaseWrapper) -> CheckLine | None:
    """Return what is wrong with the database's tables; None if they are of this release."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return problem(
            "database",
            f"it lacks {len(missing)} migrations: tcserver up or tcserver migrate makes them.",
        )
    if is_newer(executor):
        return problem("database", "it is of a newer release: install that one again.")
    return None


def is_newer(executor: MigrationExecutor) -> bool:
    """Return whether the database has migrations that this release does not know."""
    known = executor.loader.disk_migrations.keys()
    return any(key not in known for key in executor.loader.applied_migrations)


def _administrators(connection: BaseDatabaseWrapper) -> CheckLine:
    """Return whether somebody can see to it."""
    [[count]] = _rows(connection, _ADMINISTRATORS)
    if not count:
        return problem("people", "no administrator can log in: tcserver createsuperuser makes one.")
    return well("people", f"{count} administrator{'s' if count != 1 else ''}.")


def _clock(connection: BaseDatabaseWrapper, now: datetime) -> CheckLine:
    """Return whether the clock agrees with all that the database can tell of the time."""
    cure = "Set this machine's clock, and keep it set: apt install chrony."
    [[newest]] = _rows(connection, _NEWEST)
    if newest is not None and (ahead := _moment(newest) - now) > LATE:
        return problem(
            "clock",
            f"something in the database was done {_length(ahead)} after now. {cure}",
        )
    if connection.vendor == "postgresql":
        [[there]] = _rows(connection, "SELECT clock_timestamp()")
        if abs(apart := _moment(there) - now) > LATE:
            return warning("clock", f"PostgreSQL's is {_length(abs(apart))} off this one. {cure}")
    offsets = [value for [value] in _rows(connection, _OFFSETS, [now - LATELY])]
    if not offsets:
        return well("clock", "nothing contradicts it; no client has told of its own lately.")
    apart = timedelta(seconds=median(offsets))
    if abs(apart) > LATE:
        side = "ahead of" if apart > timedelta() else "behind"
        return warning(
            "clock",
            f"most of {len(offsets)} clients are {_length(abs(apart))} {side} this one. {cure}",
        )
    return well("clock", f"it agrees with {len(offsets)} client{'s' if len(offsets) > 1 else ''}.")


def _rows(connection: BaseDatabaseWrapper, sql: str, values: Any = ()) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _moment(value: datetime | str) -> datetime:
    """Return a time as the database writes it: SQLite as text, in UTC and without a zone."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _length(span: timedelta) -> str:
    """Return a time in words, rounded."""
    seconds = span.total_seconds()
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} seconds"
