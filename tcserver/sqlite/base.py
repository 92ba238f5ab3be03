"""
The backend, as Django finds it by the setting ENGINE.

A connection that waits for the lock does so inside of SQLite, and keeps its own mutex meanwhile.
Where Python's garbage collector then finds one of its cursors, in whatever thread it runs, that
thread waits for this mutex; and where that is the thread that has the lock, nobody goes on until a
time-out.  So threads wait for their turn outside of SQLite; other processes are waited for as ever.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

TURN = threading.Lock()
"""Held by the thread whose connection writes."""
READS = ("SELECT", "PRAGMA", "BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "EXPLAIN")
"""How statements begin that take no turn by themselves."""


class TakingTurns(base.SQLiteCursorWrapper):
    """A cursor whose statements that write outside of a transaction take a turn each."""

    taking_turn: Any
    """The connection's way to take one."""

    def execute(self, query: str, params: Any = None) -> Any:
        """Run a statement."""
        if query.lstrip()[:9].upper().startswith(READS):
            return super().execute(query, params)
        with self.taking_turn():
            return super().execute(query, params)

    def executemany(self, query: str, param_list: Any) -> Any:
        """Run a statement with each of some parameters."""
        with self.taking_turn():
            return super().executemany(query, param_list)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection, which takes its turn before a transaction begins, and has it to the end."""

    _has_turn = False

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a cursor."""
        cursor = self.connection.cursor(factory=TakingTurns)
        cursor.taking_turn = self._taking_turn
        return cursor

    def _start_transaction_under_autocommit(self) -> None:
        self._begin_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]  # as above
        self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]  # as above
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]  # as above
        finally:
            self._end_turn()

    @contextmanager
    def _taking_turn(self) -> Iterator[None]:
        """Have the turn for a statement, unless the transaction that it is part of has it."""
        if self._has_turn:
            yield
            return
        self._begin_turn()
        try:
            yield
        finally:
            self._end_turn()

    def _begin_turn(self) -> None:
        """Wait for the turn as long as for other processes' locks.  Raises OperationalError."""
        if not TURN.acquire(timeout=self.settings_dict["OPTIONS"]["timeout"]):
            raise OperationalError("database is locked")
        self._has_turn = True

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            TURN.release()
