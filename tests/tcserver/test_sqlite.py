"""Threads that write to SQLite wait for each other without being in each other's way."""

import sys
import threading
from typing import Any
from unittest import SkipTest

from django.db import connection, transaction
from django.db.utils import OperationalError

from tcserver.captures.models import CaptureRecord
from tcserver.sqlite.base import TURN
from tests.tcserver.case import CommittedCase, DatabaseCase


class DurabilityTests(DatabaseCase):
    def test_each_commit_reaches_the_disk(self) -> None:
        """By what SQLite says of WAL: with FULL (2) a commit outlasts a power cut."""
        if connection.vendor != "sqlite":
            raise SkipTest("it is about SQLite")
        with connection.cursor() as cursor:
            told = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in _PRAGMAS]
        self.assertEqual(told, ["wal", 2])


_PRAGMAS = ("journal_mode", "synchronous")


class TurnTests(CommittedCase):
    def setUp(self) -> None:
        if connection.vendor != "sqlite":
            self.skipTest("it is about SQLite")
        super().setUp()
        self.demo = CaptureRecord.objects.filter(pk=self.world.demo.pk)

    def in_thread(self, work: Any) -> threading.Thread:
        """A thread that does this with a connection of its own."""

        def run() -> None:
            try:
                work()
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def test_a_cursor_of_one_who_waits(self) -> None:
        """It can be thrown away by the thread that is waited for, as the collector may do."""
        cursors: list[Any] = []
        waits, told = threading.Event(), []

        def wait() -> None:
            cursor = connection.cursor()
            cursor.execute("SELECT 1 UNION ALL SELECT 2")
            cursor.fetchone()
            cursors.append(cursor)
            del cursor
            waits.set()
            try:
                self.demo.update(keywords="theirs")
            except OperationalError as e:
                told.append(str(e))

        with transaction.atomic():
            self.demo.update(keywords="ours")
            thread = self.in_thread(wait)
            waits.wait()
            while not _waits_for_turn(thread):
                pass
            cursors.clear()
        thread.join()
        self.assertEqual(told, [])
        self.assertEqual(self.demo.get().keywords, "theirs")

    def test_the_turn_is_given_back(self) -> None:
        """After a commit, a roll-back, a statement alone, an error, and a connection's end."""

        def fail() -> None:
            with transaction.atomic():
                raise ZeroDivisionError

        with transaction.atomic():
            self.demo.update(keywords="a")
            self.assertTrue(TURN.locked())
        self.assertFalse(TURN.locked())
        self.assertRaises(ZeroDivisionError, fail)
        self.assertFalse(TURN.locked())
        self.demo.update(keywords="b")
        self.assertFalse(TURN.locked())
        with connection.cursor() as cursor:
            self.assertRaises(OperationalError, cursor.execute, "UPDATE nothing SET x = 1")
        self.assertFalse(TURN.locked())
        self.in_thread(lambda: transaction.atomic().__enter__()).join()
        self.assertFalse(TURN.locked())


def _waits_for_turn(thread: threading.Thread) -> bool:
    """Return whether a thread is in the function that waits."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if frame.f_code.co_name == "_begin_turn":
            return True
        frame = frame.f_back
    return False
