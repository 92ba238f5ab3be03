"""Whether a pid file is stale, by real files, locks and processes."""

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.pidfile import PidFile, why_stale
from tests.marks import Need, needs

BOOTED = 1e9
"""Long before each file of these tests is written."""
PRINTS = "print(flush=True); import sys; sys.stdin.read()"


class PidFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def why(self, text: str) -> str:
        """Why a file with this text is stale."""
        self.path.write_text(text)
        return why_stale(self.path, BOOTED)

    def process(self, *arguments: str) -> int:
        """The number of a process with these arguments, which has begun."""
        process = subprocess.Popen(
            [sys.executable, "-c", PRINTS, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin and process.stdout
        self.addCleanup(process.wait)
        for end in (process.stdout, process.stdin):
            self.addCleanup(end.close)
        process.stdout.readline()
        return process.pid

    def test_none(self) -> None:
        """Nothing is in the way."""
        self.assertEqual(why_stale(self.path, BOOTED), "")

    def test_an_empty_file(self) -> None:
        """A power cut may leave one, or NULs."""
        for text in ("", "\n", "\0\0\0\0"):
            self.assertEqual(self.why(text), "it is empty")

    def test_something_else(self) -> None:
        """It may be anybody's file."""
        self.assertEqual(self.why("12 angry men"), "")

    def test_this_process(self) -> None:
        """In a container the same number comes again."""
        self.assertEqual(self.why(str(os.getpid())), "it names this process")

    def test_a_process_that_is_gone(self) -> None:
        """twistd knows."""
        self.assertEqual(self.why("4194305"), "")

    @needs(Need.PROCESSES)
    def test_another_program(self) -> None:
        """It has the number by chance."""
        pid = self.process("something")
        self.assertEqual(self.why(str(pid)), f"process {pid} is another program")

    @needs(Need.PROCESSES)
    def test_another_twistd(self) -> None:
        """May have written it, unless the machine was started later."""
        pid = self.process("twistd")
        self.assertEqual(self.why(str(pid)), "")
        os.utime(self.path, (BOOTED - 1, BOOTED - 1))
        self.assertIn("before this machine was started", why_stale(self.path, BOOTED))

    @needs(Need.PROCESSES)
    def test_one_that_is_locked(self) -> None:
        """Its writer runs, whatever the number says."""
        program = (
            "import sys; from tcclient.runtime.pidfile import PidFile; "
            f"PidFile(sys.argv[1]).startService(); {PRINTS}"
        )
        self.path.write_text("")
        with subprocess.Popen(
            [sys.executable, "-c", program, str(self.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as holder:
            assert holder.stdin and holder.stdout
            holder.stdout.readline()
            self.assertEqual(self.why(""), "")
            holder.stdin.close()
            holder.wait()
        self.assertEqual(self.why(""), "it is empty")

    def test_nothing_to_lock(self) -> None:
        """twistd may have been told to write none, or the file is gone."""
        for path in (None, str(self.path)):
            PidFile(path).startService()
