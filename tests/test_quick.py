"""The quick tier is the whole without what is marked, and starts no process."""

import os
import subprocess
from pathlib import Path
from unittest import TestResult

from twisted.trial.unittest import SynchronousTestCase

import tests
from tests import quick
from tests.marks import Need, need_of, needs

ROOT = Path(tests.__file__).parent
ABSENT = "/no/such/program"


def _fork() -> None:
    """Fork a process that ends at once."""
    if os.fork() == 0:
        os._exit(0)


class MarkTests(SynchronousTestCase):
    """Where a mark may stand."""

    def test_on_a_method_or_a_class(self) -> None:
        """A method's mark goes before that of its class; a subclass is marked as its base is."""

        class Plain(SynchronousTestCase):
            def test_one(self) -> None:
                """Unmarked."""

            @needs(Need.SECONDS)
            def test_two(self) -> None:
                """Marked."""

        @needs(Need.PROCESSES)
        class Marked(Plain):
            """Its first test has no mark of its own."""

        class Further(Marked):
            """Nothing is said of it."""

        for case, expected in (
            (Plain, [None, Need.SECONDS]),
            (Marked, [Need.PROCESSES, Need.SECONDS]),
            (Further, [Need.PROCESSES, Need.SECONDS]),
        ):
            found = [need_of(case(name)) for name in ("test_one", "test_two")]
            self.assertEqual(found, expected, case)

    def test_on_a_package(self) -> None:
        """All tests of real processes are marked by the package that they stand in."""
        found = {
            need_of(test)
            for test in quick.each(quick.everything())
            if test.id().startswith("tests.e2e.")
        }
        self.assertEqual(found, {Need.PROCESSES})


class TierTests(SynchronousTestCase):
    """What is in it."""

    def test_every_module_is_in_the_whole(self) -> None:
        """Each file below tests/ whose name begins with test_ has been loaded, and has tests."""
        files = {
            ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
            for path in ROOT.rglob("test_*.py")
        }
        loaded = {type(test).__module__ for test in quick.each(quick.everything())}
        self.assertEqual(loaded, files)

    def test_what_is_not_marked_is_quick(self) -> None:
        """Nothing else is left out, and nothing is added."""
        whole = list(quick.each(quick.everything()))
        tier = {test.id() for test in quick.each(quick.test_suite())}
        self.assertEqual(tier, {test.id() for test in whole if need_of(test) is None})

    def test_what_cannot_be_loaded_is_in_it(self) -> None:
        """So that a module with a mistake in it does not pass by being left out."""
        self.assertTrue(quick.is_quick(quick.TestLoader().loadByName("tests.test_of_nothing")))


class GuardTests(SynchronousTestCase):
    """What a test does that is not marked, though it starts a process."""

    def test_no_process_is_started(self) -> None:
        """It fails, whichever way it takes."""
        for start in (
            lambda: subprocess.Popen([ABSENT]),
            lambda: os.posix_spawn(ABSENT, [ABSENT], {}),
            lambda: os.execv(ABSENT, [ABSENT]),
            lambda: os.system("exit"),
            _fork,
        ):
            with quick.no_process_starts():
                self.assertRaises(quick.ProcessStarted, start)

    def test_the_tier_is_guarded(self) -> None:
        """The failure of a test that forgot its mark says which one."""

        class Starting(SynchronousTestCase):
            def test_it(self) -> None:
                """Start a process."""
                subprocess.Popen([ABSENT])

        result = TestResult()
        quick.QuickSuite([Starting("test_it")]).run(result)
        [(_, why)] = result.failures
        self.assertIn("@needs(Need.PROCESSES)", str(why))
