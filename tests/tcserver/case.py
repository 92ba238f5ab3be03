"""A test case with the server's database, which is as it was when the test is over."""

import atexit
import re
from copy import deepcopy
from functools import cache
from pathlib import Path

from django.core.cache import cache as memory
from django.core.management import call_command
from django.db import connection, transaction
from twisted.trial.unittest import SynchronousTestCase

from tcserver.people.identity import server_id
from tests.tcserver.world import World


@cache
def database() -> None:
    """Make the database of the tests, once in a process; nothing is left of it in the end."""
    named = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        # A file, so that several threads use it as they do in the server; trial removes it.
        connection.settings_dict["TEST"]["NAME"] = str(Path("tcserver.sqlite3").absolute())
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    if connection.vendor == "postgresql":
        atexit.register(connection.creation.destroy_test_db, named, verbosity=0)


@cache
def standing() -> World:
    """Make the world in which each test begins, once until the tables are emptied."""
    database()
    return World()


def begin() -> World:
    """Return the world as it stands, a test's own copy; what the server remembers is forgotten."""
    world = deepcopy(standing())
    server_id.cache_clear()
    memory.clear()
    return world


def without_files(page: str) -> str:
    """A page less the elements of our own static files, which are to be the only such ones."""
    return re.sub(r'<(?:script|img) src="/static/[\w./-]+"( defer| alt="")>', "", page)


class DatabaseCase(SynchronousTestCase):
    """Runs each test in a transaction that is rolled back, on a small world."""

    def setUp(self) -> None:
        self.world = begin()
        self._transaction = transaction.atomic()
        self._transaction.__enter__()
        self.addCleanup(self._roll_back)

    def _roll_back(self) -> None:
        transaction.set_rollback(True)
        self._transaction.__exit__(None, None, None)


class CommittedCase(SynchronousTestCase):
    """Runs tests whose threads see what others have committed; empties the tables afterwards."""

    def setUp(self) -> None:
        self.addCleanup(self._empty)
        self.world = begin()

    def _empty(self) -> None:
        standing.cache_clear()
        # Types and permissions of the models, which it would fill in, are not used here.
        call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)
