"""
The quick tier, `trial tests.quick`: all tests that neither start a process nor wait for long.

The others are marked as such where they stand (tests.marks).  `trial tests` looks only into modules
whose name begins with `test_`: it does not find this one, and runs each test once.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import TestCase, TestResult

from twisted.trial.runner import TestLoader, TestSuite
from twisted.trial.unittest import FailTest

import tests
from tests.marks import need_of

STARTS = frozenset(
    ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system")
)
"""The audit events by which CPython announces another process, or another program in this one."""


class ProcessStarted(FailTest):
    """A test of the quick tier was about to start a process, which was prevented."""


@contextmanager
def no_process_starts() -> Iterator[None]:
    """Let whoever tries to start a process meanwhile fail with ProcessStarted."""
    guarding = True

    def refuse(event: str, _: tuple[object, ...]) -> None:
        if guarding and event in STARTS:
            raise ProcessStarted(f"{event} in a test without @needs(Need.PROCESSES)")

    sys.addaudithook(refuse)  # for good: there is no way to remove one
    try:
        yield
    finally:
        guarding = False


class QuickSuite(TestSuite):
    """Tests that start no process: one that tries to fails."""

    def run(self, result: TestResult, debug: bool = False) -> TestResult:
        """Run the tests in the order they stand in, under guard."""
        with no_process_starts():
            return super().run(result, debug)


def everything() -> TestSuite:
    """Return what `trial tests` runs."""
    suite: TestSuite = TestLoader().loadPackage(tests, recurse=True)
    return suite


def each(suite: TestSuite) -> Iterator[object]:
    """Yield the tests of a suite and of the suites in it, and what could not be loaded."""
    for test in suite:
        if isinstance(test, TestSuite):
            yield from each(test)
        else:
            yield test


def is_quick(test: object) -> bool:
    """Return whether nothing marks a test as slow; what could not be loaded shall be seen too."""
    return not isinstance(test, TestCase) or need_of(test) is None


def test_suite() -> QuickSuite:
    """Return the quick tier; trial calls this."""
    return QuickSuite(test for test in each(everything()) if is_quick(test))
