"""
What `trial tests.onpostgresql` runs, on the database that TCC_TEST_DATABASE_URL names: the tests of
the server by which database makes a difference.

Tests that start a process of their own have their own database, so that they would do the same as
in `trial tests`, but for those that say so.
"""

from collections.abc import Iterator

from twisted.trial.runner import TestLoader, TestSuite

import tests.tcserver
from tests.deploy.test_commands import PostgresTests
from tests.e2e.test_reports import ReportedLifeOnPostgresTests
from tests.quick import each, is_quick
from tests.tcserver.case import CommittedCase, DatabaseCase

THEIR_OWN = (ReportedLifeOnPostgresTests, PostgresTests)


def on_the_database() -> Iterator[object]:
    """Yield these tests."""
    for test in each(TestLoader().loadPackage(tests.tcserver, recurse=True)):
        if is_quick(test) or isinstance(test, DatabaseCase | CommittedCase):
            yield test
    for case in THEIR_OWN:
        yield from TestLoader().loadClass(case)


def test_suite() -> TestSuite:
    """Return them; trial calls this."""
    return TestSuite(on_the_database())
