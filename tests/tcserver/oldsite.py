"""
The database of an old site: its tables as the migrations of twitter-capture-django make them on
SQLite by Django 1.8, and a small life in them.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

TABLES = """
CREATE TABLE django_migrations (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT, app varchar(255) NOT NULL,
    name varchar(255) NOT NULL, applied datetime NOT NULL);
CREATE TABLE auth_group (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT, name varchar(80) NOT NULL UNIQUE);
CREATE TABLE auth_user (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT, password varchar(128) NOT NULL,
    last_login datetime NULL, is_superuser bool NOT NULL, username varchar(30) NOT NULL UNIQUE,
    first_name varchar(30) NOT NULL, last_name varchar(30) NOT NULL, email varchar(254) NOT NULL,
    is_staff bool NOT NULL, is_active bool NOT NULL, date_joined datetime NOT NULL);
CREATE TABLE auth_user_groups (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT, user_id integer NOT NULL REFERENCES auth_user,
    group_id integer NOT NULL REFERENCES auth_group, UNIQUE (user_id, group_id));
CREATE TABLE authtoken_token (
    key varchar(40) NOT NULL PRIMARY KEY, created datetime NOT NULL,
    user_id integer NOT NULL UNIQUE REFERENCES auth_user);
CREATE TABLE main_job (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT, created_date datetime NULL,
    modified_date datetime NULL, status integer NOT NULL, task_id integer NULL,
    first_started datetime NULL, started datetime NULL, stopped datetime NULL,
    created_by_id integer NULL REFERENCES auth_user,
    deleted_by_id integer NULL REFERENCES auth_user,
    modified_by_id integer NULL REFERENCES auth_user, archived_date datetime NULL,
    ping_date datetime NULL, rate decimal NULL, total_count integer NULL,
    archived_by_id integer NULL REFERENCES auth_user,
    assigned_worker_id integer NULL REFERENCES auth_user, deleted_date datetime NULL,
    name varchar(64) NOT NULL UNIQUE, description text NULL, keywords text NULL);
CREATE TABLE main_jobmodification (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT, modified_date datetime NULL,
    changes text NOT NULL, job_id integer NOT NULL REFERENCES main_job,
    modified_by_id integer NULL REFERENCES auth_user);
CREATE TABLE main_update (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT, date datetime NOT NULL, count integer NULL,
    total_count integer NULL, rate decimal NULL, job_id integer NOT NULL REFERENCES main_job);
CREATE TABLE main_logmessage (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT, date datetime NOT NULL, source varchar(32) NULL,
    kind varchar(4) NULL, message text NOT NULL, job_id integer NOT NULL REFERENCES main_job);
CREATE TABLE worker_worker (
    id integer NOT NULL PRIMARY KEY AUTOINCREMENT, created_date datetime NULL,
    modified_date datetime NULL, description text NOT NULL,
    created_by_id integer NULL REFERENCES auth_user,
    deleted_by_id integer NULL REFERENCES auth_user,
    modified_by_id integer NULL REFERENCES auth_user, last_update datetime NULL,
    user_id integer NOT NULL UNIQUE REFERENCES auth_user, deleted_date datetime NULL);
"""
TOKEN = "e0" * 20
ADMIN, RUNNER, IDLER, RETIRED = 1, 3, 4, 5


def add(file: Path, table: str, **columns: Any) -> None:
    """Add a row to a table."""
    marks = ", ".join("?" * len(columns))
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(sql, [*columns.values()])


def user(file: Path, id: int, name: Any, *, client: bool = True, active: bool = True) -> None:
    """Add a user; a client has its group and its token."""
    add(
        file,
        "auth_user",
        id=id,
        username=name,
        is_active=active,
        date_joined="2015-01-27 20:18:55",
        password="pbkdf2$x",
        is_superuser=not client,
        is_staff=not client,
        **dict.fromkeys(("first_name", "last_name", "email"), ""),
    )
    if client:
        add(file, "auth_user_groups", user_id=id, group_id=1)
        token = TOKEN[:-2] + f"{id:02}"
        add(file, "authtoken_token", key=token, created="2015-01-27 20:18:55", user_id=id)


def job(file: Path, id: int, name: Any, status: Any = 3, **columns: Any) -> None:
    """Add a job, which was made by the administrator."""
    made = {"created_date": "2016-09-01 08:00:00.123456", "created_by_id": ADMIN}
    add(file, "main_job", id=id, name=name, status=status, **{**made, **columns})


def changed(file: Path, job: int, at: str | None, by: int | None, changes: Any) -> None:
    """Add an entry of history; what is no text is written as JSON."""
    told = changes if isinstance(changes, str | bytes) else json.dumps(changes)
    add(
        file,
        "main_jobmodification",
        job_id=job,
        modified_date=at,
        modified_by_id=by,
        changes=told,
    )


def empty(file: Path) -> None:
    """Make a site on which nothing has been done."""
    with closing(sqlite3.connect(file)) as database:
        database.executescript(TABLES)
    for name in ("0001_initial", "0007_auto_20160825_2204"):
        applied = "2016-08-31 12:00:00.654321"
        add(file, "django_migrations", app="main", name=name, applied=applied)
    add(file, "auth_group", id=1, name="capture_client")


def small(file: Path) -> None:
    """Make a site with an administrator, three clients, and captures in each state."""
    empty(file)
    user(file, ADMIN, "admin", client=False)
    user(file, RUNNER, "runner")
    user(file, IDLER, "idler")
    user(file, RETIRED, "retired", active=False)
    job(
        file,
        7,
        "floods",
        assigned_worker_id=RUNNER,
        keywords="flood, rain, storm",
        description="Rivers",
        total_count=50,
        first_started="2016-09-01 08:01:00",
        started="2016-09-02 08:00:00",
    )
    job(file, 8, "never started", 1, keywords="a")
    job(file, 9, "stopping", 4, assigned_worker_id=IDLER)
    job(
        file,
        12,
        "put away",
        5,
        assigned_worker_id=IDLER,
        stopped="2016-10-01 00:00:00",
        archived_date="2016-10-01 00:00:00",
        archived_by_id=ADMIN,
        total_count=900,
        rate=0,
    )
    job(file, 13, "deleted", 3, deleted_date="2016-11-01 00:00:00", deleted_by_id=ADMIN)
    # By the page, as it is: then by REST, the other way round; then a client's ping, of no change.
    changed(
        file,
        7,
        "2016-09-03 09:00:00",
        ADMIN,
        {
            "name": {"old": "flood", "new": "floods"},
            "keywords": {
                "old": "flood",
                "new": "flood, rain",
                "additions": ["rain"],
                "deletions": [],
            },
        },
    )
    changed(
        file,
        7,
        "2016-09-04 09:00:00",
        ADMIN,
        {
            "keywords": {
                "old": "flood, rain, storm",
                "new": "flood, rain",
                "additions": ["storm"],
                "deletions": [],
            }
        },
    )
    changed(
        file,
        7,
        "2016-09-05 09:00:00",
        RUNNER,
        {
            "name": {"old": None, "new": "floods"},
            "description": {"old": None, "new": "Rivers"},
        },
    )
    for date, count, total, rate in [
        ("2016-09-01 09:00:00.5", 10, 10, 1.25),
        ("2016-09-02 09:00:00", 30, 40, "2.5"),
        ("2016-09-03 09:00:00", 25, 65, 0.125),
    ]:
        add(
            file,
            "main_update",
            job_id=7,
            date=date,
            count=count,
            total_count=total,
            rate=rate,
        )
