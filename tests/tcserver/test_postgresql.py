"""Connections to PostgreSQL that are kept over requests."""

from typing import Any
from unittest import SkipTest

from django.db import connection
from twisted.trial.unittest import SynchronousTestCase

from tcserver.postgresql.base import DatabaseWrapper
from tests.tcserver.case import database

LEFT_OUT = (
    "did not run, nor did any test of the server on PostgreSQL: "
    "TCC_TEST_DATABASE_URL names no database"
)


class UsableTests(SynchronousTestCase):
    def setUp(self) -> None:
        if connection.vendor != "postgresql":
            raise SkipTest(LEFT_OUT)
        database()
        self.kept = DatabaseWrapper(connection.settings_dict, "kept")
        self.addCleanup(self.kept.close)
        self.kept.ensure_connection()

    def tell(self, statement: str) -> Any:
        """What another connection gets for a statement about this one's process."""
        with connection.cursor() as cursor:
            cursor.execute(statement, [self.kept.connection.info.backend_pid])
            return cursor.fetchone()

    def test_one_that_works(self) -> None:
        """It is not asked for that."""
        asked = "SELECT query_start FROM pg_stat_activity WHERE pid = %s"
        before = self.tell(asked)
        self.assertTrue(self.kept.is_usable())
        self.assertEqual(self.tell(asked), before)

    def test_a_server_that_ended(self) -> None:
        """It has said so; the next request gets a new connection."""
        self.tell("SELECT pg_terminate_backend(%s, 5000)")
        self.assertFalse(self.kept.is_usable())
        self.kept.close_if_unusable_or_obsolete()
        with self.kept.cursor() as cursor:
            cursor.execute("SELECT 1")

    def test_a_server_that_says_something_else(self) -> None:
        """As that somebody notifies: the connection is as good as ever."""
        with self.kept.cursor() as cursor:
            cursor.execute("LISTEN everybody")
        with connection.cursor() as cursor:
            cursor.execute("NOTIFY everybody")
        self.assertTrue(self.kept.is_usable())

    def test_one_that_was_closed(self) -> None:
        self.kept.connection.close()
        self.assertFalse(self.kept.is_usable())
