"""`tcserver import-old` of databases in which somebody, or a disk, has written anything."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

from tcserver.captures.models import CaptureRecord
from tests.tcserver import oldsite
from tests.tcserver.importing import ImportCase


class HostileSiteTests(ImportCase):
    """Databases in which somebody, or a disk, has written anything."""

    def test_values_that_cannot_be(self) -> None:
        """Each becomes something that can be stored and shown, or nothing."""
        oldsite.empty(self.file)
        oldsite.user(self.file, 1, "\x1b[31m\u202eevil\nname" + "x" * 100)
        oldsite.user(self.file, 2, b"\xff\xfe\x00")
        huge = 2**63 - 1
        for number, name in enumerate(
            ["", "<script>alert(1)</script>", "../../etc/passwd", "a" * 200, b"\xff\x00", 3.5], 10
        ):
            oldsite.job(
                self.file,
                number,
                name,
                [99, -1, "x", None, 1e300, b"\x03"][number - 10] or 0,
                description=[b"\xff\x00", "\x00", 7, None, 1e300, "<b>"][number - 10],
                keywords=["\x00a, b", b"\xed\xa0\x80", "k" * 500_000, -1, None, ""][number - 10],
                created_date=["never", None, "9999-12-31 23:59:59", -5, b"x", ""][number - 10],
                total_count=[-5, huge, 1e300, "1e9", "many", b"\x01"][number - 10],
                rate=["NaN", "Infinity", -1, 1e300, 99999.9994, "1e999999"][number - 10],
                archived_date=None if number % 2 else "not a date",
                assigned_worker_id=[1, 2, 3, -1, "x", huge][number - 10],
                created_by_id=[1, 2, 3, -1, "x", huge][number - 10],
            )
        oldsite.job(self.file, huge, "the last number")
        oldsite.job(self.file, -3, "a negative one")
        nested = "[" * 100_000
        for changes in ("", "{", nested, "[]", '{"keywords": 3}', b"\xff", '{"name": {"old": {}}}'):
            oldsite.changed(self.file, 10, "2016-09-01", 1, changes)
        oldsite.changed(self.file, 10, None, None, {"keywords": {"old": "\x00", "new": "a"}})
        oldsite.changed(self.file, 4711, None, None, {"keywords": {"old": "a", "new": "b"}})
        for at, count, of in [
            ("2016-09-01 09:00:00", huge, 10),
            ("2016-09-01 09:00:01", huge, 10),
            ("2016-09-01 09:00:02", -7, 10),
            ("rubbish", 1, 10),
            ("2016-09-01 09:00:03", 1, 4711),
            ("2016-09-01 09:00:04", 1, "10; DROP TABLE"),
        ]:
            oldsite.add(self.file, "main_update", date=at, count=count, job_id=of)
        printed = self.come()
        self.assertIn("Left out: 3 updates", printed)
        self.assertNotIn("\x1b", printed)
        self.assertNotIn("\u202e", printed)
        self.assertEqual(len(self.came()), 8)
        for capture in self.came():
            self.assertRegex(capture.name, r"\A[0-9a-zA-Z_\- ]{1,64}\Z")
            self.assertLess(capture.pk, 2**32)
            self.assertLess(len(capture.keywords or ""), 200_000)
            self.assertLessEqual(capture.created_at, datetime.now(UTC))
            self.look_at(capture)
        self.assertEqual(max(one.counted for one in self.came()), huge)
        self.assertEqual(self.world.browser(self.world.admin).get("/captures/").status_code, 200)

    def look_at(self, capture: CaptureRecord) -> None:
        """Its page is whole, and has nothing of a script."""
        page = self.world.browser(self.world.admin).get(f"/captures/{capture.pk}/")
        self.assertEqual(page.status_code, 200, capture.name)
        self.assertNotIn(b"<script>alert", page.content)
        self.assertNotIn(b"\x00", page.content)

    def test_files_of_something_else(self) -> None:
        """Each is refused with its reason."""
        self.assertIn("no such file", self.refused())
        self.file.write_bytes(b"anything" * 1000)
        self.assertIn("not a database", self.refused())
        self.file.write_bytes(b"")
        self.assertIn("no table django_migrations", self.refused())
        self.file.unlink()
        oldsite.empty(self.file)
        self.sql("ALTER TABLE main_job RENAME COLUMN keywords TO twitter_keywords")
        self.assertIn("main_job lacks keywords", self.refused())
        self.sql("DROP TABLE main_job")
        self.sql(
            "CREATE VIEW main_job AS WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id FROM r) "
            "SELECT * FROM r"
        )
        self.assertIn("no table main_job", self.refused())

    def test_a_damaged_database(self) -> None:
        """What was read before the damage does not stay."""
        oldsite.small(self.file)
        self.sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) "
            "INSERT INTO main_update (date, count, job_id) "
            "SELECT '2016-09-06 09:00:00', 1, 7 FROM n"
        )
        whole = bytearray(self.file.read_bytes())
        whole[len(whole) // 2 :] = b"\xff" * (len(whole) - len(whole) // 2)
        self.file.write_bytes(whole)
        self.assertIn("malformed", self.refused())

    def sql(self, statement: str) -> None:
        """Run a statement in the old database."""
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute(statement)
