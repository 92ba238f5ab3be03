"""
A simulated Twitter (v1.1) and a capture server in this process, for a client in another one.

Knows what the client is to capture, and compares disk, server and what was sent.
"""

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from tcsandbox.server import TOKEN, CaptureServer
from tcsandbox.twitter import SANDBOX_CREDENTIALS, Simulator, SimulatorSettings
from tests.e2e.processes import Daemon, Running, until
from tests.ledger.told import told

RATE = 150.0
JOB = "storm"


class Sent:
    """Remembers the id of every post that Twitter has sent, in place of a journal on disk."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def note(self, connection: int, ids: Iterable[int]) -> None:
        """Remember the ids."""
        self.ids += ids

    def remark(self, event: Mapping[str, object]) -> None:
        """Pass over what is about no post."""

    def close(self) -> None:
        """Do nothing: there is no file to close."""


class Stage(TestCase):
    """`folder` is the client's; the server has one job, which is to run."""

    timeout = 90
    maxDiff = None
    credentials = SANDBOX_CREDENTIALS
    token = TOKEN

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.path = self.folder / "settings.json"
        self.sent = self.make_journal()
        character = SimulatorSettings(rate=RATE, accounts=(self.credentials,))
        self.twitter = Simulator(reactor, Random(2), character, self.sent)
        self.server = CaptureServer(reactor, token=self.token)
        self.job = self.server.store.create(JOB, "storm, green tea", 2)
        twitter = reactor.listenTCP(0, self.twitter.site(), interface="127.0.0.1")
        server = self.server.listen(reactor)
        for end in (self.server.hang_up, server.stopListening):
            self.addCleanup(end)
        for end in (self.twitter.stop, twitter.stopListening):
            self.addCleanup(end)
        self.stream_url = f"http://127.0.0.1:{twitter.getHost().port}/1.1/"
        self.base_url = f"http://127.0.0.1:{server.getHost().port}/api/"

    def make_journal(self) -> Any:
        """What remembers what Twitter has sent."""
        return Sent()

    def settings(self, **sections: Any) -> dict[str, Any]:
        """Settings for both ends, with members of `sections` changed or added."""
        document: dict[str, Any] = {
            "server": {
                "base_url": self.base_url,
                "client_id": 1,
                "auth_token": self.token,
                "ping_interval": 0.2,
                "update_interval": 0.5,
            },
            "twitter_auth": attrs.asdict(self.credentials),
            "twitter": {"api": "1.1", "stream_url": self.stream_url},
            "source_addr": "127.0.0.1",
            "output": {"base_dir": "data"},
        }
        for name, section in sections.items():
            before = document.get(name)
            document[name] = before | section if isinstance(before, dict) else section
        return document

    def write_settings(self, **sections: Any) -> None:
        """Put them into settings.json."""
        self.path.write_text(json.dumps(self.settings(**sections)))

    @property
    def data(self) -> Path:
        """Where the job's files are."""
        return self.folder / "data" / JOB

    @property
    def total(self) -> int | None:
        """What the server holds."""
        return self.job.total_count

    def posts(self) -> list[bytes]:
        """The whole lines of all files of the job, without the newline: the current file's last."""
        files: dict[int, bytes] = {}
        for path in (*sorted(self.data.glob("*.json")), *sorted(self.data.glob("*.tmp"))):
            with contextlib.suppress(FileNotFoundError):  # it has just got its final name
                files.setdefault(path.stat().st_ino, path.read_bytes())
        return [line for content in files.values() for line in content.split(b"\n")[:-1]]

    def ids(self) -> list[int]:
        """Those of posts()."""
        return [json.loads(post)["id"] for post in self.posts()]

    def ledger(self, kind: str) -> list[dict[str, Any]]:
        """What the account says of that kind."""
        lines = told(self.data / f"{JOB}.ledger.jsonl")
        return [line for line in lines if line["kind"] == kind]

    async def captured(self, number: int, client: Running | Daemon) -> None:
        """Return once that many posts are on disk and the server knows that `client` runs."""

        def enough() -> bool:
            client.check()
            return self.job.status == 3 and len(self.posts()) >= number

        await until(enough, f"status 3 and {number} posts on disk")

    def assert_whole(self) -> int:
        """
        The files are finished, every post in them was sent and stands there once, and as many are
        on disk as the server has as total and as sum of all counts.  Gives that number.
        """
        self.assertEqual([path.name for path in self.data.glob("*.tmp")], [])
        for path in self.data.glob("*.json"):
            self.assertEqual(path.read_bytes()[-1:], b"\n", path)
        ids = self.ids()
        self.assertEqual(len(set(ids)), len(ids), "a post stands on disk twice")
        self.assertEqual(set(ids) - set(self.sent.ids), set())
        self.assertEqual(self.total, len(ids))
        counts = [update.count or 0 for update in self.server.store.updates[self.job.id]]
        self.assertEqual(sum(counts), len(ids))
        return len(ids)
