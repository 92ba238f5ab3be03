"""Signals for log files, before the client is there."""

import signal
import sys

from twisted.internet.utils import getProcessOutput
from twisted.python.usage import Options as TwistdOptions
from twisted.trial.unittest import TestCase

from tcclient.command import Options
from tcclient.runtime.earlysignals import has_terminal
from tests.e2e.processes import environment
from tests.marks import Need, needs

FOR_LOGS = (signal.SIGUSR1, signal.SIGUSR2)


class EarlySignalTests(TestCase):
    def setUp(self) -> None:
        for number in (*FOR_LOGS, signal.SIGHUP):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
            signal.signal(number, signal.SIG_DFL)

    def assert_ignored(self) -> None:
        """They end nothing; that a terminal has gone still does."""
        for number in FOR_LOGS:
            self.assertIs(signal.getsignal(number), signal.SIG_IGN)
        ignored = signal.SIG_DFL if has_terminal() else signal.SIG_IGN
        self.assertIs(signal.getsignal(signal.SIGHUP), ignored)

    def test_the_command(self) -> None:
        """Once its options are read, whatever they are."""
        options = Options()
        options.parent = TwistdOptions()
        options.parent["pidfile"] = ""
        options.postOptions()
        self.assert_ignored()

    @needs(Need.PROCESSES)
    async def test_the_tac_file(self) -> None:
        """Before its settings are read."""
        code = (
            "import signal; from tcclient.command import make_application\n"
            "try: make_application({'TCC_CONFIG': '/nothing'})\n"
            "except SystemExit: print(*map(int, map(signal.getsignal, (10, 12))))"
        )
        out = await getProcessOutput(sys.executable, ("-c", code), environment())
        self.assertEqual(out, b"1 1\n")  # that is, SIG_IGN
