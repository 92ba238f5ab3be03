"""The five secrets, looked for in everything that a client says, writes and shows."""

import signal
from pathlib import Path

import attrs

from tcsandbox.server import quirks
from tcsandbox.twitter import Credentials
from tcsandbox.twitter.common.damage import Rst
from tcsandbox.twitter.common.faults import HttpStatusFault
from tests.e2e.processes import Running, start, twistd, until
from tests.e2e.stage import Stage

# Names that nothing else in a log could be.
CREDENTIALS = Credentials("QkeyQ7h1", "QsecretQ7h2", "777-QtokenQ7h3", "QtokensecretQ7h4")
TOKEN = "9e11f00d" * 5
SECRETS = (TOKEN, *attrs.astuple(CREDENTIALS))

HASTE = {"ping_interval": 0.1, "update_interval": 0.2}
EVERYTHING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "console": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"},
        "file": {"class": "logging.FileHandler", "filename": "all.log"},
    },
    # Named, so that no level that is set elsewhere hides what these libraries tell.
    "loggers": {
        name: {"level": "DEBUG"}
        for name in (
            "twisted",
            "tcclient",
            "oauthlib",
            "oauthlib.oauth1.rfc5849",
            "treq",
            "txtwitter",
        )
    },
    "root": {"level": "DEBUG", "handlers": ["console", "file"]},
}


def titles(pid: int) -> list[str]:
    """What ps shows of a process."""
    return [Path(f"/proc/{pid}/{name}").read_text() for name in ("cmdline", "comm")]


class SecretsTests(Stage):
    credentials = CREDENTIALS
    token = TOKEN

    async def live_through(self, *options: str) -> str:
        """What a client says that meets every kind of trouble, and is restarted in its midst."""
        said = ""
        for number in (signal.SIGKILL, signal.SIGTERM):
            client = start(self, self.folder, twistd("-n", *options, "tcc", "-c", "settings.json"))
            await self.captured(len(self.posts()) + 5, client)
            for title in titles(client.pid):
                self.assert_hidden(title)
            await self.trouble_with_the_server(client)
            await self.trouble_with_twitter(client)
            ended = await client.end(number)
            said += ended.out + ended.err
        return said

    async def trouble_with_the_server(self, client: Running) -> None:
        """Error pages, nonsense and no answer; some pages repeat the request's headers."""
        debugging_page = f"<td>HTTP_AUTHORIZATION</td><td>Token {TOKEN}</td>"
        detail = {"detail": f"Invalid token {TOKEN}."}
        for fault in (
            quirks.Answered(body=debugging_page, times=2),
            quirks.Answered(status=401, json=detail, times=2),
            quirks.Redirected(location=f"http://127.0.0.1:9/login?token={TOKEN}", times=2),
            quirks.Cut(times=2),
            quirks.Closed(times=2),
        ):
            self.server.fault(fault)
        await until(lambda: not self.server.pending_faults(), "all faults of the server met")
        client.check()

    async def trouble_with_twitter(self, client: Running) -> None:
        """A stream that breaks, and a refusal of its successor."""
        refusals = len(self.refusals())
        self.twitter.fault(
            HttpStatusFault(status=401, body="<b>Unauthorized.</b> Could not verify you.")
        )
        self.twitter.fault(Rst())
        await until(lambda: len(self.refusals()) > refusals, "a refusal by Twitter")
        await client.says("Could not verify you", len(self.refusals()) - refusals)

    def refusals(self) -> list[object]:
        """The connects that Twitter has refused."""
        connects = self.twitter.state()["connects"]
        return [connect for connect in connects if connect["status"] == 401]

    def assert_hidden(self, text: str) -> None:
        """No secret is in it."""
        for secret in SECRETS:
            self.assertNotIn(secret, text)

    def assert_hidden_below_the_folder(self) -> None:
        """Neither in logs nor in the account or the data, nor in any file's name."""
        self.path.unlink()
        for path in self.folder.rglob("*"):
            self.assert_hidden(str(path))
            if path.is_file():
                self.assert_hidden(path.read_text())

    async def test_a_section_that_logs_everything(self) -> None:
        """Down to debug, the libraries included."""
        self.write_settings(server=HASTE, logging=EVERYTHING)
        said = await self.live_through("--logfile", "twistd.log")
        self.assertIn("Could not verify you", said)
        self.assert_hidden(said)
        self.assertIn("Could not verify you", (self.folder / "all.log").read_text())
        self.assertIn("Could not verify you", (self.folder / "twistd.log").read_text())
        self.assert_hidden_below_the_folder()

    async def test_twistds_own_log(self) -> None:
        """It takes every level of Twisted's logging."""
        self.write_settings(server=HASTE)
        said = await self.live_through()
        self.assertIn("Could not verify you", said)
        self.assert_hidden(said)
        self.assert_hidden_below_the_folder()
