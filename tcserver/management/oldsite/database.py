"""
Reads the SQLite database of an old site, and writes nothing to it.

Knows the tables as the migrations of its last release make them.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from tcserver.environment import SetupError
from tcserver.management.oldsite.values import capture_name, line, moment, number, text, thousandths

CLIENTS = "capture_client"
"""The group of the users that are clients."""
COLUMNS = {
    "django_migrations": ("app", "name", "applied"),
    "auth_user": ("id", "username", "is_active", "date_joined"),
    "auth_group": ("id", "name"),
    "auth_user_groups": ("user_id", "group_id"),
    "main_job": (
        *("id", "name", "description", "keywords", "status", "task_id", "total_count", "rate"),
        *("created_date", "first_started", "started", "stopped", "ping_date"),
        *("archived_date", "deleted_date", "assigned_worker_id"),
        *("created_by_id", "archived_by_id", "deleted_by_id"),
    ),
    "main_jobmodification": ("id", "modified_date", "changes", "job_id", "modified_by_id"),
    "main_update": ("id", "date", "count", "total_count", "rate", "job_id"),
}


@attrs.frozen
class OldUser:
    """A person or a client; only clients are brought over."""

    id: int
    name: str
    is_client: bool
    is_active: bool


@attrs.frozen
class OldJob:
    """A capture; `archived_by` and the like are numbers of users."""

    id: int
    name: str
    given_name: str
    description: str | None
    keywords: str | None
    status: int
    task: int | None
    total: int | None
    rate: int | None
    created: datetime | None
    first_started: datetime | None
    started: datetime | None
    stopped: datetime | None
    ping: datetime | None
    archived: datetime | None
    deleted: datetime | None
    client: int | None
    created_by: int | None
    archived_by: int | None
    deleted_by: int | None


@attrs.frozen
class OldUpdate:
    """A client's report on a job; `at` is None where nobody can tell."""

    job: int
    at: datetime | None
    count: int | None
    total: int | None
    rate: int | None


@attrs.frozen
class OldModification:
    """An entry of a job's history: `changes` is JSON, as it was written."""

    at: datetime | None
    by: int | None
    changes: Any


class OldSite:
    """An old site's database, opened; no time in it is later than `now`."""

    def __init__(self, database: sqlite3.Connection, now: datetime) -> None:
        self._database = database
        self._now = now
        for table, columns in COLUMNS.items():
            self._expect(table, columns)

    def fingerprint(self) -> str:
        """Return what tells this site from any other one, and stays: when it was made."""
        rows = self._rows("django_migrations", "app = 'main' ORDER BY id LIMIT 1")
        made = [str(row["applied"]) for row in rows]
        if not made:
            raise SetupError("it is no database of the old capture site: nothing has made it.")
        return hashlib.sha256(made[0].encode("utf-8", "replace")).hexdigest()[:16]

    def users(self) -> Iterator[OldUser]:
        """Yield all users.  A client is who is in the clients' group, or was given a job."""
        clients = (
            "id IN (SELECT user_id FROM auth_user_groups g JOIN auth_group ON "
            f"auth_group.id = g.group_id WHERE auth_group.name = '{CLIENTS}') "
            "OR id IN (SELECT assigned_worker_id FROM main_job)"
        )
        for row in self._rows("auth_user", "1 ORDER BY id", f", ({clients}) AS is_client"):
            name = line(row["username"]) or f"client {row['id']}"
            yield OldUser(row["id"], name, bool(row["is_client"]), bool(row["is_active"]))

    def jobs(self) -> Iterator[OldJob]:
        """Yield all jobs, also archived and deleted ones."""
        for row in self._rows("main_job", "1 ORDER BY id"):
            yield OldJob(
                id=row["id"],
                name=capture_name(row["name"], row["id"]),
                given_name=line(row["name"]),
                description=text(row["description"]),
                keywords=text(row["keywords"]),
                status=number(row["status"]) or 0,
                task=number(row["task_id"]),
                total=number(row["total_count"]),
                rate=thousandths(row["rate"]),
                created=self._at(row["created_date"]),
                first_started=self._at(row["first_started"]),
                started=self._at(row["started"]),
                stopped=self._at(row["stopped"]),
                ping=self._at(row["ping_date"]),
                archived=self._put_away(row["archived_date"]),
                deleted=self._put_away(row["deleted_date"]),
                client=number(row["assigned_worker_id"]),
                created_by=number(row["created_by_id"]),
                archived_by=number(row["archived_by_id"]),
                deleted_by=number(row["deleted_by_id"]),
            )

    def modifications(self, job: int) -> Iterator[OldModification]:
        """Yield the history of a job, the newest entry first."""
        for row in self._rows("main_jobmodification", "job_id = ? ORDER BY id DESC", values=(job,)):
            yield OldModification(
                self._at(row["modified_date"]), number(row["modified_by_id"]), row["changes"]
            )

    def strays(self) -> int:
        """Return how many entries of history are of no job that there is."""
        where = "job_id NOT IN (SELECT id FROM main_job)"
        return sum(1 for _ in self._rows("main_jobmodification", where))

    def updates(self) -> Iterator[OldUpdate]:
        """Yield all updates, as they came."""
        for row in self._rows("main_update", "1 ORDER BY id"):
            yield OldUpdate(
                job=row["job_id"],
                at=self._at(row["date"]),
                count=number(row["count"]),
                total=number(row["total_count"]),
                rate=thousandths(row["rate"]),
            )

    def _at(self, value: Any) -> datetime | None:
        return moment(value, self._now)

    def _put_away(self, value: Any) -> datetime | None:
        """Return when a job was put away: a date that cannot be read says at least that it was."""
        return None if value is None else self._at(value) or self._now

    def _rows(
        self, table: str, where: str, more: str = "", values: tuple[int, ...] = ()
    ) -> Iterator[sqlite3.Row]:
        columns = ", ".join(f'"{column}"' for column in COLUMNS[table])
        sql = f"SELECT {columns}{more} FROM {table} WHERE {where}"
        yield from self._database.execute(sql, values)

    def _expect(self, table: str, columns: tuple[str, ...]) -> None:
        """Raise SetupError unless there is this table: a view could be made to never end."""
        kind = "SELECT type FROM sqlite_master WHERE name = ?"
        there = {row["type"] for row in self._database.execute(kind, (table,))} == {"table"}
        has = {row["name"] for row in self._database.execute(f"PRAGMA table_info({table})")}
        lacks = [column for column in columns if column not in has]
        if not there or lacks:
            raise SetupError(
                "it is no database of the old capture site with all of its migrations: "
                f"{table} lacks {', '.join(lacks)}."
                if there
                else f"it is no database of the old capture site: there is no table {table}."
            )


@contextmanager
def opened(path: Path, now: datetime) -> Iterator[OldSite]:
    """Give what is in a database to read.  Raises SetupError for one that is none, or damaged."""
    try:
        if not path.is_file():
            raise SetupError("there is no such file.")
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            database.row_factory = sqlite3.Row
            database.text_factory = lambda found: found.decode("utf-8", "replace")
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA query_only = ON")
            # One moment of it, though the old site goes on.
            database.execute("BEGIN")
            yield OldSite(database, now)
    except sqlite3.Error as e:
        raise SetupError(f"{path} cannot be imported: {e}.") from None
    except OSError as e:
        raise SetupError(f"{path} cannot be imported: {e.strerror}.") from None
    except SetupError as e:
        raise SetupError(f"{path} cannot be imported: {e}") from None
