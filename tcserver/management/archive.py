"""
A backup: one file with the database of an installation and its secrets, which its owner alone can
read.

Knows the folder and SQLite's files; knows no table.
"""

import gzip
import os
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import NoReturn

from tcserver.environment import DATABASE_FILE, SetupError
from tcserver.keys import FILE as SECRETS
from tcserver.keys import read_keys

MEMBERS = (SECRETS, DATABASE_FILE)
REPLACED = ".replaced"
"""What the names of files end with that were there before a backup was restored."""


def write_backup(data: Path, file: Path) -> None:
    """
    Write a backup of the installation in `data`, also while it is served: the database as it is at
    one moment.  `file` is complete or as it was before.  Raises SetupError.
    """
    with _refused(f"The backup cannot be written to {file}"):
        if file.is_dir():
            raise SetupError(f"{file} is a folder: name the file of the backup.")
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as beside:
            copy, archive = Path(beside, DATABASE_FILE), Path(beside, "archive")
            _copy(data / DATABASE_FILE, copy)
            with archive.open("xb") as raw:
                os.fchmod(raw.fileno(), 0o600)
                with tarfile.open(fileobj=raw, mode="w:gz") as tar:
                    tar.add(data / SECRETS, SECRETS, filter=_anonymous)
                    tar.add(copy, DATABASE_FILE, filter=_anonymous)
                raw.flush()
                os.fsync(raw.fileno())
            archive.replace(file)
        _sync(file.parent)


def restore_backup(file: Path, data: Path, *, replace: bool) -> bool:
    """
    Put what is in a backup into the folder `data`.  With `replace`, what stands there is kept
    beside under other names; return whether there was something.  Raises SetupError, and then the
    folder is as it was.
    """
    with _refused(f"{file} cannot be restored to {data}"):
        there = data.is_dir() and any(data.iterdir())
        if there and not replace:
            raise SetupError(
                f"{data} is not empty: name another folder, or add --replace to have its database "
                f"and secrets kept there as *{REPLACED} and those of the backup put in their place."
            )
        made = not data.exists()
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(prefix=".restoring.", dir=data) as beside:
                _unpack(file, Path(beside))
                _put_aside(data)
                for name in MEMBERS:
                    Path(beside, name).replace(data / name)
        except BaseException:
            if made:
                data.rmdir()
            raise
        _sync(data)
    return there


def _copy(database: Path, copy: Path) -> None:
    """Write a consistent copy of a database that others may write to; it is one file."""
    source = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    with closing(source), closing(sqlite3.connect(copy)) as target:
        copy.chmod(0o600)
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")
        _look_through(target)


def _look_through(database: sqlite3.Connection) -> None:
    """Raise DatabaseError where the database is damaged."""
    [[found]] = database.execute("PRAGMA quick_check(1)")
    if found != "ok":
        raise sqlite3.DatabaseError("the database is damaged")


def _unpack(file: Path, beside: Path) -> None:
    """Write the files of a backup into a folder, and look whether they can be used."""
    with tarfile.open(file, "r:gz") as tar:
        for name in MEMBERS:
            _unpack_one(tar, name, beside / name)
    try:
        read_keys(beside)
    except SetupError:
        raise tarfile.TarError("the secrets in it are damaged") from None
    with closing(sqlite3.connect(beside / DATABASE_FILE)) as database:
        _look_through(database)
        if not database.execute(
            "SELECT 1 FROM sqlite_master WHERE name = 'people_siteidentity'"
        ).fetchall():
            raise tarfile.TarError("its database is not one of this server")


def _unpack_one(tar: tarfile.TarFile, name: str, to: Path) -> None:
    try:
        source = tar.extractfile(name)
    except KeyError:
        source = None
    if source is None:
        raise tarfile.TarError(f"it has no {name}, and is no backup of this server")
    with to.open("xb") as target:
        os.fchmod(target.fileno(), 0o600)
        while piece := source.read(1 << 20):
            target.write(piece)
        os.fsync(target.fileno())


def _put_aside(data: Path) -> None:
    """Give what is in the folder other names.  Raises SetupError while somebody uses it."""
    database = data / DATABASE_FILE
    if database.exists():
        _close(database)
    for name in MEMBERS:
        if (data / name).exists():
            _rename(data / name)


def _close(database: Path) -> None:
    """
    Have a database be one file again, without a log that would be taken for the next one's.
    Raises SetupError where another process has it open: SQLite lets nobody close it then.
    """
    try:
        with closing(sqlite3.connect(database, timeout=0)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as e:
        if e.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        raise SetupError(
            f"{database.parent} is in use: stop its server before a backup is restored there."
        ) from None
    except sqlite3.DatabaseError:
        # Damaged, as it may well be where a backup is needed.
        for ending in ("-wal", "-shm"):
            log = database.with_name(database.name + ending)
            if log.exists():
                _rename(log)


def _rename(file: Path) -> None:
    """Keep a file beside; what was kept there before stays, too."""
    names = (f"{file.name}{REPLACED}{number or ''}" for number in count())
    file.replace(next(to for to in map(file.with_name, names) if not to.exists()))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Say nothing of whose files they were."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _sync(folder: Path) -> None:
    """Have the names in a folder be on its disk."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _refused(what: str) -> Iterator[None]:
    """Turn what goes wrong into one sentence that begins with `what`.  Raises SetupError."""

    def refuse(why: object) -> NoReturn:
        raise SetupError(f"{what}: {why}.") from None

    try:
        yield
    except (EOFError, tarfile.ReadError, zlib.error, gzip.BadGzipFile):
        refuse("it is no complete backup")
    except OSError as e:
        refuse(e.strerror)
    except (tarfile.TarError, sqlite3.Error) as e:
        refuse(e)
