"""`tcserver backup` and `restore`: what they keep, and what they refuse, beside real servers."""

import gzip
import io
import re
import signal
import sqlite3
import tarfile
import threading
from contextlib import closing
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tcserver.environment import DATABASE_FILE, SetupError
from tcserver.keys import FILE, make_keys
from tcserver.management.archive import restore_backup, write_backup
from tests.e2e.processes import Finished, Running, python, run, start
from tests.marks import Need, needs

IDENTITY = "people_siteidentity"


class ArchiveTests(SynchronousTestCase):
    """A folder with secrets and a small database."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.data = self.folder / "site"
        make_keys(self.data)
        self.file = self.folder / "backup"
        with closing(self.open(self.data)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(f"CREATE TABLE {IDENTITY} (a INTEGER, b INTEGER)")
            database.execute(f"INSERT INTO {IDENTITY} VALUES (0, 0)")

    def open(self, data: Path) -> sqlite3.Connection:
        """The database of a folder, each statement of which is a transaction."""
        return sqlite3.connect(data / DATABASE_FILE, isolation_level=None)

    def write(self, value: int) -> None:
        """Write a value to both columns of the folder's database."""
        with closing(self.open(self.data)) as database:
            database.execute(f"UPDATE {IDENTITY} SET a = ?, b = ?", (value, value))

    def rows(self, data: Path) -> list[tuple[int, int]]:
        """What is in the database of a folder."""
        with closing(self.open(data)) as database:
            return database.execute(f"SELECT a, b FROM {IDENTITY}").fetchall()

    def refused(self, data: Path, *, replace: bool = False) -> str:
        """Why the backup is not restored, in one sentence."""
        with self.assertRaises(SetupError) as caught:
            restore_backup(self.file, data, replace=replace)
        sentence = str(caught.exception)
        self.assertTrue(sentence.endswith(".") and "\n" not in sentence, sentence)
        return sentence

    def test_the_way_there_and_back(self) -> None:
        """Both files come back, readable by their owner alone, as is the backup."""
        self.write(7)
        write_backup(self.data, self.file)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual({one.name for one in self.folder.iterdir()}, {"site", "backup"})
        other = self.folder / "a" / "new"
        self.assertFalse(restore_backup(self.file, other, replace=False))
        self.assertEqual(self.rows(other), [(7, 7)])
        self.assertEqual((other / FILE).read_bytes(), (self.data / FILE).read_bytes())
        self.assertEqual({one.name for one in other.iterdir()}, {FILE, DATABASE_FILE})
        for name in (FILE, DATABASE_FILE):
            self.assertEqual((other / name).stat().st_mode & 0o777, 0o600)
        self.assertEqual(other.stat().st_mode & 0o777, 0o700)

    def test_one_moment(self) -> None:
        """What is written meanwhile is in it whole or not at all, as is what no disk file has."""
        ended = threading.Event()

        def writes() -> None:
            value = 0
            while not ended.is_set():
                value += 1
                self.write(value)

        writer = threading.Thread(target=writes)
        with closing(self.open(self.data)) as reader:
            reader.execute("BEGIN")
            # Nothing gets from the log into the file while somebody reads what was before.
            self.assertEqual(reader.execute(f"SELECT a FROM {IDENTITY}").fetchall(), [(0,)])
            self.write(-1)
            writer.start()
            try:
                for number in range(5):
                    write_backup(self.data, self.file)
                    to = self.folder / str(number)
                    restore_backup(self.file, to, replace=False)
                    [(a, b)] = self.rows(to)
                    self.assertEqual(a, b)
                    self.assertNotEqual(a, 0)
            finally:
                ended.set()
                writer.join()

    def test_a_backup_that_fails(self) -> None:
        """The one from before stays, nothing else does."""
        write_backup(self.data, self.file)
        before = self.file.read_bytes()
        (self.data / DATABASE_FILE).write_bytes(b"no database" * 1000)
        with self.assertRaises(SetupError):
            write_backup(self.data, self.file)
        self.assertEqual(self.file.read_bytes(), before)
        self.assertEqual({one.name for one in self.folder.iterdir()}, {"site", "backup"})
        for file in (self.folder, self.folder / "none" / "backup"):
            with self.assertRaises(SetupError) as caught:
                write_backup(self.data, file)
            self.assertIn(str(file), str(caught.exception))

    def test_a_folder_that_is_not_empty(self) -> None:
        """It is refused, and left as it is; with `replace` its files are kept beside."""
        write_backup(self.data, self.file)
        self.write(8)
        secrets = (self.data / FILE).read_bytes()
        self.assertIn("is not empty", self.refused(self.data))
        self.assertEqual(self.rows(self.data), [(8, 8)])
        self.assertTrue(restore_backup(self.file, self.data, replace=True))
        self.assertEqual(self.rows(self.data), [(0, 0)])
        self.assertEqual((self.data / f"{FILE}.replaced").read_bytes(), secrets)
        with closing(sqlite3.connect(self.data / f"{DATABASE_FILE}.replaced")) as before:
            self.assertEqual(before.execute(f"SELECT a FROM {IDENTITY}").fetchall(), [(8,)])
        restore_backup(self.file, self.data, replace=True)
        self.assertEqual((self.data / f"{FILE}.replaced").read_bytes(), secrets)
        with closing(sqlite3.connect(self.data / f"{DATABASE_FILE}.replaced")) as before:
            self.assertEqual(before.execute(f"SELECT a FROM {IDENTITY}").fetchall(), [(8,)])

    def test_a_database_in_use(self) -> None:
        """Whoever has it open, and does nothing, is not taken it away from."""
        write_backup(self.data, self.file)
        with closing(self.open(self.data)) as used:
            used.execute(f"SELECT * FROM {IDENTITY}").fetchall()
            self.assertIn("is in use", self.refused(self.data, replace=True))
            self.write(9)
        self.assertEqual(self.rows(self.data), [(9, 9)])
        names = {one.name for one in self.data.iterdir()}
        self.assertEqual(names, {FILE, DATABASE_FILE})

    def test_a_damaged_database_is_replaced(self) -> None:
        """Its log is not taken for that of the database in its place."""
        write_backup(self.data, self.file)
        (self.data / DATABASE_FILE).write_bytes(b"no database" * 1000)
        (self.data / f"{DATABASE_FILE}-wal").write_bytes(b"log")
        restore_backup(self.file, self.data, replace=True)
        self.assertEqual(self.rows(self.data), [(0, 0)])
        self.assertFalse((self.data / f"{DATABASE_FILE}-wal").exists())

    def test_files_that_are_no_backups(self) -> None:
        """Each is refused with a reason; the folder is not even made."""
        write_backup(self.data, self.file)
        whole = self.file.read_bytes()
        other = io.BytesIO()
        with tarfile.open(fileobj=other, mode="w:gz") as tar:
            tar.addfile(tarfile.TarInfo("../../escaped"), io.BytesIO())
        links = io.BytesIO()
        with tarfile.open(fileobj=links, mode="w:gz") as tar:
            for name in (FILE, DATABASE_FILE):
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, str(self.data / FILE)
                tar.addfile(link)
        for content, said in [
            (b"", "no complete backup"),
            (b"anything", "no complete backup"),
            (gzip.compress(b"anything"), "no complete backup"),
            (whole[: len(whole) // 2], "no complete backup"),
            (other.getvalue(), f"it has no {FILE}"),
            (links.getvalue(), f"it has no {FILE}"),
            (self.with_database(b"anything"), "not a database"),
            (self.with_database(b""), "not one of this server"),
        ]:
            self.file.write_bytes(content)
            self.assertIn(said, self.refused(self.folder / "new"))
            self.assertEqual({one.name for one in self.folder.iterdir()}, {"site", "backup"})
        self.file.unlink()
        self.assertIn("No such file", self.refused(self.folder / "new"))

    def with_database(self, content: bytes) -> bytes:
        """A backup whose database has this content."""
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w:gz") as tar:
            tar.add(self.data / FILE, FILE)
            member = tarfile.TarInfo(DATABASE_FILE)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        return made.getvalue()


@needs(Need.PROCESSES)
class CommandTests(TestCase):
    """The commands beside a server."""

    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    async def up(self, data: str) -> Running:
        """A server that serves a folder."""
        command = ("-m", "tcserver", "up", "--data", data, "--listen", "127.0.0.1:0")
        server = start(self, self.folder, python(*command))
        await server.says("The capture server is at")
        return server

    async def tcserver(self, *arguments: str, **environ: str) -> Finished:
        """A command that ends by itself."""
        return await run(self, self.folder, python("-m", "tcserver", *arguments), **environ)

    async def test_beside_a_running_server(self) -> None:
        """It is backed up, not restored over; what was restored elsewhere is served."""
        server = await self.up("site")
        saved = await self.tcserver("backup", "b.tar.gz", "--data", "site")
        self.assertEqual((saved.err, saved.status), ("", 0))
        refused = await self.tcserver("restore", "b.tar.gz", "--replace", "--data", "site")
        self.assertRegex(refused.err, r"\Atcserver: \S+site is in use: stop its server.*\.\n\Z")
        self.assertEqual(refused.status, 1)
        restored = await self.tcserver("restore", "b.tar.gz", "--data", "other")
        self.assertEqual((restored.err, restored.status), ("", 0))
        other = await self.up("other")
        self.assertNotIn("password", other.out)
        self.assertEqual((await other.end(signal.SIGTERM)).status, 0)
        self.assertEqual((await server.end(signal.SIGTERM)).status, 0)
        again = await self.tcserver("restore", "b.tar.gz", "--replace", "--data", "site")
        self.assertEqual((again.err, again.status), ("", 0))

    async def test_mistakes_are_one_sentence(self) -> None:
        """With PostgreSQL it says what to do instead, and shows no secret of its address."""
        await deferToThread(make_keys, self.folder / "site")
        url = {"DATABASE_URL": "postgres://u:secret@h/d"}
        for arguments, environ, said in [
            (("backup", "b", "--data", "site"), url, "pg_dump"),
            (("restore", "b", "--data", "site"), url, "pg_restore"),
            (("restore", "b", "--data", "none"), {}, "No such file"),
            (("backup", "b", "--data", "none"), {}, "tcserver up --data"),
            (("backup", "b", "--data", "site"), {}, "cannot be written"),
        ]:
            ended = await self.tcserver(*arguments, **environ)
            self.assertEqual((ended.out, ended.err.count("\n")), ("", 1), ended)
            self.assertIsNotNone(re.search(said, ended.err), ended)
            self.assertNotIn("secret@", ended.err)
            self.assertEqual(ended.status, 1)
