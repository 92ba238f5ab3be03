"""The units for systemd: sound, closed, and within them a client captures and is ready."""

import configparser
import re
import shutil
import signal
import subprocess

from twisted.internet import reactor
from twisted.internet.ssl import PrivateCertificate
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.certificates import certify
from tests.deploy.served import NO_WRITTEN_CODE
from tests.e2e.processes import ROOT, python, start, twistd, until
from tests.e2e.stage import Stage
from tests.notified import Notified

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
        """
        The unit's command, with its credentials and what the unit denies, captures from a server
        that speaks TLS, tells its supervisor that it is ready, and ends in order.
        """
        notified = Notified(self)
        notified.bind()
        ca = certify("CA")
        pem = b"".join(certify("127.0.0.1", by=ca).to_pem())
        options = PrivateCertificate.loadPEM(pem).options()
        port = reactor.listenSSL(0, self.server.site, options, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.base_url = f"https://127.0.0.1:{port.getHost().port}/api/"
        (self.folder / "ca.pem").write_bytes(ca.to_pem()[1])
        # Where a unit's credentials are, nothing can be written, and other paths lead elsewhere.
        server = {**self.settings()["server"], "auth_token": {"file": "auth_token"}}
        self.write_settings(server=server, output={"base_dir": str(self.folder / "data")})
        credentials = self.folder / "credentials"
        credentials.mkdir()
        self.path.rename(credentials / "settings.json")
        (credentials / "auth_token").write_text(f"{self.token}\n")
        (credentials / "auth_token").chmod(0o400)
        credentials.chmod(0o500)
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.read(UNITS[0])
        given = unit["Service"]["ExecStart"].replace("%d", str(credentials)).split()
        self.assertEqual(given[0], TWISTD)
        command = twistd(*given[1:])
        if unit["Service"].getboolean("MemoryDenyWriteExecute", False):
            command = python("-c", NO_WRITTEN_CODE, *command)
        environ = {"NOTIFY_SOCKET": notified.address, "SSL_CERT_FILE": str(self.folder / "ca.pem")}
        client = start(self, self.folder, command, **environ)
        await until(lambda: "READY=1" in notified.heard(), "READY=1")
        await self.captured(20, client)
        ended = await client.end(signal.SIGTERM)
        self.assertEqual((ended.err, ended.status), ("", -signal.SIGTERM))
        self.assert_whole()
        self.assertEqual(list(self.folder.glob("*.pid")), [])
