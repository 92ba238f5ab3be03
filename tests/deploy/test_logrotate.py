"""logrotate itself, under a client that captures: as deploy/ has it, and as people do it."""

import grp
import os
import pwd
import re
import shutil
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.e2e.processes import ROOT, run, until
from tests.e2e.test_outlets import OutletCase, file, section

OURS = ROOT / "deploy" / "tcc.logrotate"
BY_SIGNAL = """"FOLDER/*.log" {{
    rotate 3
    create
    sharedscripts
    postrotate
        kill -{signal} PID
    endscript
}}
"""
BY_COPY = '"FOLDER/*.log" {\n    rotate 3\n    copytruncate\n}\n'


class LogrotateTests(OutletCase):
    async def rotated(self, text: str) -> Path:
        """
        Rotate the logs of a client with this configuration, twice; each has lines before and
        afterwards, none is torn, and nothing is lost.  Return the folder of the logs.
        """
        program = shutil.which("logrotate", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if program is None:
            raise SkipTest("did not run: logrotate is needed (apt install logrotate)")
        logs = self.folder / "logs"
        logs.mkdir(mode=0o755)
        self.write_settings(
            logging=section(file=file("logs/all.log"), other=file("logs/w.log", mode="w"))
        )
        client = self.client("--logfile", "logs/tcc.log")
        await self.captured(20, client)
        configuration = self.folder / "configuration"
        for path, to in (
            ("FOLDER", str(logs)),
            ("/var/log/tcc", str(logs)),
            ("PID", str(client.pid)),
        ):
            text = text.replace(path, to)
        configuration.write_text(text)
        configuration.chmod(0o644)
        command = [program, "-f", "-s", str(self.folder / "state"), str(configuration)]
        done = await run(self, self.folder, command)
        self.assertEqual((done.err, done.status), ("", 0))
        self.job.keywords = "storm, green tea, oolong"
        names = [logs / name for name in ("all.log", "w.log", "tcc.log")]
        await until(lambda: all(log.exists() and log.stat().st_size for log in names), "new lines")
        await self.ends(client)
        for log in names:
            old = [one.read_text() for one in logs.glob(f"{log.name}[.-]*")]
            self.assertEqual(len(old), 1, sorted(logs.iterdir()))
            self.assertIn("tcc 1.0.0 starts", old[0])
            self.assertIn("all files are finished", log.read_text())
            self.assertNotIn("\0", log.read_text())
            self.assertEqual(
                (old[0] + log.read_text()).count("is connected: statuses/filter, 2"), 1
            )
        return logs

    async def test_ours(self) -> None:
        """The file in deploy/, for a folder and a user of the test: without a signal."""
        user, group = pwd.getpwuid(os.geteuid())[0], grp.getgrgid(os.getegid())[0]
        logs = await self.rotated(OURS.read_text().replace("su tcc tcc", f"su {user} {group}"))
        names = [path.name for path in logs.glob("tcc.log-*")]
        self.assertEqual(len(names), 1)
        self.assertTrue(re.fullmatch(r"tcc\.log-\d{8}", names[0]), names)

    async def test_with_a_new_file_and_a_signal(self) -> None:
        """`create` and SIGHUP: the file that logrotate has made is gone on with."""
        await self.rotated(BY_SIGNAL.format(signal="HUP"))

    async def test_with_twistds_signal(self) -> None:
        """The file that logrotate has made is gone on with."""
        await self.rotated(BY_SIGNAL.format(signal="USR1"))

    async def test_copied(self) -> None:
        """copytruncate."""
        await self.rotated(BY_COPY)
