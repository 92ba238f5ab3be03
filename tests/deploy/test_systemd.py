"""The units for systemd: sound, closed, and their command is that of a client that is ready."""

import configparser
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.e2e.processes import ROOT, start, twistd, until
from tests.e2e.stage import Stage

UNITS = (ROOT / "deploy" / "tcc.service", ROOT / "deploy" / "tcc@.service")
MOST_EXPOSED = 1.8
TWISTD = "/opt/tcc/.venv/bin/twistd"


def analyze(*arguments: str) -> str:
    """What systemd-analyze says; raises SkipTest where it is not, or is older than 250."""
    if shutil.which("systemd-analyze") is None:
        raise SkipTest("did not run: systemd-analyze is needed (apt install systemd)")
    done = subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60
    )
    return done.stdout + done.stderr


class UnitTests(SynchronousTestCase):
    def test_exposure(self) -> None:
        """How much of the machine a client reaches that somebody else has taken over."""
        for unit in UNITS:
            said = analyze("security", "--offline=true", "--no-pager", str(unit))
            level = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
            assert level is not None, said
            self.assertLessEqual(float(level[1]), MOST_EXPOSED)

    def test_each_line_is_known(self) -> None:
        """systemd complains of nothing but that the client is not installed there."""
        for unit in UNITS:
            said = analyze("verify", "--man=no", str(unit))
            rest = [
                line
                for line in said.splitlines()
                if unit.name.partition(".")[0].rstrip("@") in line and TWISTD not in line
            ]
            self.assertEqual(rest, [])

    def test_both_say_the_same(self) -> None:
        """The template differs by the names of what it works with only."""
        one, many = (unit.read_text().splitlines()[1:] for unit in UNITS)
        said = [line.replace("/%i.json", "/settings.json") for line in many]
        plain = [line.replace("/%i", "").replace(" %i", "").replace("/NAME", "") for line in said]
        self.assertEqual(plain, one)


class CommandTests(Stage):
    async def test_it_is_ready(self) -> None:
        """The unit's command, with its credential, tells its supervisor so, and ends in order."""
        folder = tempfile.TemporaryDirectory(prefix="tcc")
        self.addCleanup(folder.cleanup)
        address = str(Path(folder.name) / "notify")
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listening.close)
        listening.setblocking(False)
        listening.bind(address)
        # Where a unit's credentials are, nothing can be written, and other paths lead elsewhere.
        self.write_settings(output={"base_dir": str(self.folder / "data")})
        credentials = self.folder / "credentials"
        credentials.mkdir()
        self.path.rename(credentials / "settings.json")
        credentials.chmod(0o500)
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.read(UNITS[0])
        command = unit["Service"]["ExecStart"].replace("%d", str(credentials)).split()
        self.assertEqual(command[0], TWISTD)
        client = start(self, self.folder, twistd(*command[1:]), NOTIFY_SOCKET=address)

        def is_ready() -> bool:
            try:
                return b"READY=1" in listening.recv(1 << 16)
            except BlockingIOError:
                return False

        await until(is_ready, "READY=1")
        await self.captured(20, client)
        ended = await client.end(signal.SIGTERM)
        self.assertEqual((ended.err, ended.status), ("", -signal.SIGTERM))
        self.assert_whole()
        self.assertEqual(list(self.folder.glob("*.pid")), [])
