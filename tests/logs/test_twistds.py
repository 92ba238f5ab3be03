"""The log as twistd writes it, by twistd's own options."""

import io
import logging
import os
import socket
import sys
import tempfile
from pathlib import Path

from twisted.logger import ILogObserver, Logger
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tcclient.command import twistd_options
from tcclient.logs import twistds as module
from tcclient.logs.sink import LoggingError
from tcclient.logs.twistds import TwistdObserver, twistds
from tcclient.runtime.twistdoptions import TwistdOptions


class TwistdsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "tcc.log"
        self.out = io.StringIO()
        self.patch(sys, "stdout", self.out)

    def say(self, options: TwistdOptions, *, alone: bool = True) -> None:
        """Log a warning there."""
        observer = twistds(options, alone=alone)
        assert isinstance(observer, TwistdObserver)
        self.assertTrue(verifyObject(ILogObserver, observer))
        Logger("tcc.observed", observer=observer).warn("words")
        observer.sink.end()
        self.assertTrue(observer.sink.wait(60))
        observer.sink.call(logging.Handler.close)

    def test_a_logfile(self) -> None:
        """It has twistd's form; relative to where twistd was started."""
        for alone in (True, False):
            self.say(TwistdOptions(logfile=str(self.path)), alone=alone)
        self.assertRegex(
            self.path.read_text(), r"^(\d{4}-\d\d-\d\dT\S+ \[tcc\.observed#warn\] words\n){2}$"
        )

    def test_stdout(self) -> None:
        """By default in the foreground, and where `-` asks for it beside a section."""
        self.say(TwistdOptions())
        self.say(TwistdOptions(logfile="-"), alone=False)
        self.assertEqual(self.out.getvalue().count("[tcc.observed#warn] words\n"), 2)

    def test_a_section_alone(self) -> None:
        """twistd's form is then nowhere, neither in a daemon nor in the foreground."""
        for is_daemon in (True, False):
            self.assertIsNone(twistds(TwistdOptions(is_daemon=is_daemon), alone=False))

    def test_a_daemon(self) -> None:
        """It has twistd.log where it was started."""
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(self.folder)
        self.say(TwistdOptions(is_daemon=True))
        self.assertIn("words", (self.folder / "twistd.log").read_text())

    def test_syslog(self) -> None:
        """It gets the lines without a date, under the prefix that twistd was told."""
        # The name of such a socket has at most 108 bytes.
        folder = tempfile.TemporaryDirectory(prefix="tcc")
        self.addCleanup(folder.cleanup)
        self.patch(module, "SYSLOG", f"{folder.name}/log")
        options = TwistdOptions(prefix="capture", is_daemon=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(module.SYSLOG)
            listening.settimeout(60)
            self.say(options)
            heard = listening.recv(1 << 16)
        self.assertEqual(heard, b"<12>capture[%d]: [tcc.observed#warn] words\0" % os.getpid())

    def test_what_cannot_be(self) -> None:
        """One sentence."""
        for options, expected in (
            (
                TwistdOptions(logfile=str(self.folder)),
                f"--logfile must be a file that can be written, found Is a directory "
                f"({self.folder})",
            ),
            (
                TwistdOptions(logfile="-", is_daemon=True),
                "--logfile must be a file for a daemon, found -",
            ),
        ):
            error = self.assertRaises(LoggingError, twistds, options, alone=True)
            self.assertEqual(str(error), expected)

    def test_what_a_tac_file_is_not_told(self) -> None:
        """twistd's arguments are read as twistd reads them."""
        default = str(Path("twistd.pid").absolute())
        for arguments, expected in (
            ("-ny tcc.tac", TwistdOptions(pidfile=default)),
            ("-y tcc.tac", TwistdOptions(is_daemon=True, pidfile=default)),
            ("-by tcc.tac -l a", TwistdOptions(logfile="a", pidfile=default)),
            ("--logf=a --nod --pidfile=/b -y tcc.tac", TwistdOptions(logfile="a", pidfile="/b")),
            (
                "-oy tcc.tac --syslog",
                TwistdOptions(prefix="twisted", is_daemon=True, pidfile=default),
            ),
            ("-ny tcc.tac --syslog --prefix=b --pidfile=", TwistdOptions(prefix="b")),
        ):
            self.assertEqual(twistd_options(arguments.split()), expected, arguments)
