"""
The client under test: the real twistd process, between the generator and the stand-in server.

Knows its settings, how to see that it captures, and where its files are.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from benchmarks.modes import Mode
from benchmarks.posts import JOBS, jobs_of
from tcclient.sandbox.server import TOKEN
from tcclient.sandbox.twitter import SANDBOX_CREDENTIALS
from tcclient.settings import Output
from tcclient.twitter.ruleset import tag, tag_prefix
from tests.long.processes import Process, Server, listening, start

CLIENT_ID = 1
GOODBYE = 60.0
"""Seconds to finish files and end."""


def free_port() -> int:
    """One that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@attrs.frozen
class Place:
    """
    Where the stand-in server is in all rounds: the tags of the rules, which the posts carry, depend
    on its address.
    """

    port: int = attrs.field(factory=free_port)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    @property
    def tags(self) -> list[str]:
        """Those of the captures' rules; the server numbers its jobs from 1."""
        return [tag(tag_prefix(self.api, CLIENT_ID), job + 1) for job in range(JOBS)]


def names(api: str) -> list[str]:
    """The captures: v1.1 has one."""
    return [f"capture{job}" for job in range(1 if api == "v1.1" else JOBS)]


def settings(mode: Mode, root: str, place: Place, output: Mapping[str, Any]) -> dict[str, Any]:
    """All defaults, but for what says where the ends are."""
    twitter = {"api": "1.1", "stream_url": f"{root}1.1/"}
    if mode.api == "v2":
        twitter = {"api": "2", "api_url": root}
    return {
        "server": {"base_url": place.api, "client_id": CLIENT_ID, "auth_token": TOKEN},
        "twitter_auth": {
            key: value
            for key, value in attrs.asdict(SANDBOX_CREDENTIALS).items()
            if mode.api == "v1.1" or key.startswith("api_")
        },
        "twitter": twitter,
        "output": {"base_dir": "data", **output},
    }


def known_output(**keys: object) -> dict[str, object]:
    """Those of the keys that this version has: so that older ones can be measured too."""
    return {key: value for key, value in keys.items() if key in Output.__struct_fields__}


@attrs.frozen
class Client:
    """It runs, and its captures have asked for their stream."""

    process: Process
    folder: Path
    api: str
    _server: Server

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_until_running(self) -> None:
        """Returns once the server has been told that all captures run."""
        for job, _ in enumerate(names(self.api), 1):
            self._server.wait_for(job, 3)

    def files(self) -> list[list[Path]]:
        """Those of each capture, the one being written last."""
        folders = [self.folder / "data" / name for name in names(self.api)]
        return [sorted(f.glob("*.json")) + sorted(f.glob("*.json.tmp")) for f in folders]

    def size(self) -> int:
        """Bytes in all files.  One that is just getting its final name counts once."""
        found: dict[int, int] = {}
        for files in self.files():
            for path in files:
                try:
                    status = path.stat()
                except FileNotFoundError:
                    continue
                found[status.st_ino] = status.st_size
        return sum(found.values())

    def expected(self, posts: int) -> list[Sequence[int]]:
        """The numbers of each capture's posts, of so many that were sent."""
        if self.api == "v1.1":
            return [range(posts)]
        return [[n for n in range(posts) if job in jobs_of(n)] for job in range(JOBS)]

    def has_hash(self) -> bool:
        """Whether the account has the SHA-256 of the files."""
        ledgers = self.folder.glob("data/*/*.ledger.jsonl")
        return any('"sha256"' in path.read_text() for path in ledgers)

    def end(self) -> None:
        """Let it finish its files."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(GOODBYE)


@contextmanager
def capturing(
    mode: Mode,
    root: str,
    place: Place,
    folder: Path,
    trusted: Path,
    output: Mapping[str, Any] | None = None,
    launcher: Sequence[str] = (),
) -> Iterator[Client]:
    """
    A client that has just been started in `folder`.  `launcher` is what starts twistd in the place
    of its own script.
    """
    jobs = [f"--job={name}:{name}" for name in names(mode.api)]
    standin = start("tcclient.sandbox.server", f"--port={place.port}", *jobs)
    client = None
    try:
        server = Server(listening(standin))
        config = folder / "settings.json"
        config.write_text(json.dumps(settings(mode, root, place, output or {})))
        command = [
            *(launcher or [str(Path(sys.executable).with_name("twistd"))]),
            "-n", "--pidfile=", "tcc", "--config", str(config),
        ]  # fmt: skip
        environment = {**os.environ, "SSL_CERT_FILE": str(trusted)}
        with (folder / "log").open("w") as log:
            client = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
        yield Client(client, folder, mode.api, server)
    finally:
        for process in (client, standin):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
