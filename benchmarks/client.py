"""
The client under test: the real twistd process, between the generator and the stand-in server.

Knows its settings, how to see that it captures, and where its files are.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from benchmarks.posts import JOBS, jobs_of
from benchmarks.scene import CLIENT_ID, Scene
from tcclient.config.settings import Output
from tcsandbox.server import TOKEN
from tcsandbox.twitter import SANDBOX_CREDENTIALS
from tests.long.processes import Process, Server, ending, listening, start

GOODBYE = 60.0
"""Seconds to finish files and end."""


def names(api: str) -> list[str]:
    """The captures: v1.1 has one."""
    return [f"capture{job}" for job in range(1 if api == "v1.1" else JOBS)]


def settings(scene: Scene, output: Mapping[str, object]) -> dict[str, object]:
    """All defaults, but for what says where the ends are."""
    v1 = scene.mode.api == "v1.1"
    ends = {"api": "1.1", "stream_url": f"{scene.root}1.1/"}
    keys = attrs.asdict(SANDBOX_CREDENTIALS)
    return {
        "server": {"base_url": scene.place.api, "client_id": CLIENT_ID, "auth_token": TOKEN},
        "twitter_auth": {k: v for k, v in keys.items() if v1 or k.startswith("api_")},
        "twitter": ends if v1 else {"api": "2", "api_url": scene.root},
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
        ledgers = self.folder.glob("data/*/*.ledger*.jsonl")
        return any('"sha256"' in path.read_text() for path in ledgers)

    def end(self, bound: float = GOODBYE) -> None:
        """Let it finish its files; raises TimeoutExpired after so many seconds."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(bound)


@contextmanager
def capturing(
    scene: Scene,
    folder: Path,
    output: Mapping[str, object] | None = None,
    launcher: Sequence[str] = (),
    build: Path | None = None,
) -> Iterator[Client]:
    """
    A client that has just been started in `folder`.  `launcher` is what starts twistd in the place
    of its own script; `build` is the clone of another build, which is installed in its `.venv`.
    """
    jobs = [f"--job={name}:{name}" for name in names(scene.mode.api)]
    standin = start("tcsandbox.server", f"--port={scene.place.port}", *jobs)
    with ending([standin]):
        server = Server(listening(standin))
        config = folder / "settings.json"
        config.write_text(json.dumps(settings(scene, output or {})))
        python = Path(sys.executable) if build is None else build / ".venv" / "bin" / "python"
        command = [*(launcher or [str(python.with_name("twistd"))])]
        command += ["-n", "--pidfile=", "tcc", "--config", str(config)]
        environment = {**os.environ, "SSL_CERT_FILE": str(scene.trusted)}
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
        with ending([process]):
            yield Client(process, folder, scene.mode.api, server)
