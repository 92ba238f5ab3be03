"""The three processes of a long run, and what can be asked of them."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tcsandbox.server import TOKEN
from tcsandbox.twitter import SANDBOX_CREDENTIALS

Process = subprocess.Popen[Any]


def start(module: str, *arguments: str) -> Process:
    """A process of one of the sandbox's ends, whose output can be read."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def start_client(folder: Path, config: Path) -> Process:
    """The client as a user starts it; its log goes into the folder."""
    twistd = Path(sys.executable).with_name("twistd")
    command = [twistd, "-n", "--pidfile=", "tcc", "--config", config]
    with (folder / "log").open("a") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


@contextmanager
def ending(processes: Sequence[Process]) -> Iterator[None]:
    """Whatever happens, none of the processes is left."""
    try:
        yield
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def listening(process: Process) -> str:
    """The URL in the line that a stand-in prints."""
    assert process.stdout is not None
    line = process.stdout.readline()
    return next(word for word in line.split() if word.startswith("http://"))


def ask(method: str, url: str, fields: dict[str, object] | None = None) -> dict[str, Any]:
    """A request with the client's token, and its JSON answer."""
    request = urllib.request.Request(url, method=method)
    request.add_header("Authorization", f"Token {TOKEN}")
    request.add_header("Content-Type", "application/json")
    data = None if fields is None else json.dumps(fields).encode()
    with urllib.request.urlopen(request, data, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def waited_for(condition: Callable[[], bool], bound: float) -> bool:
    """Return whether the condition, which other processes bring about, holds within `bound` s."""
    end = time.monotonic() + bound
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Server:
    """The stand-in, as a researcher's browser and an auditor use it."""

    def __init__(self, api: str) -> None:
        self.api = api

    def job(self, job_id: int) -> dict[str, Any]:
        return ask("GET", f"{self.api}activejobs/{job_id}/")

    def write(self, job_id: int, **fields: object) -> None:
        ask("PATCH", f"{self.api}activejobs/{job_id}/", fields)

    def sum_of_counts(self, job_id: int) -> int:
        state = ask("GET", self.api.replace("/api/", "/sandbox/state"))
        count: int = state["updates"][str(job_id)]["count"]
        return count

    def wait_for(self, job_id: int, status: int, bound: float = 60.0) -> float:
        """Seconds until the job has this status; ends the program after `bound`."""
        began = time.monotonic()
        if not waited_for(lambda: self.job(job_id)["status"] == status, bound):
            raise SystemExit(f"Job {job_id} did not reach status {status} in {bound:g} s.")
        return time.monotonic() - began


def rss(pid: int) -> int:
    """Resident kilobytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


def settings(folder: Path, api: str, twitter: dict[str, Any]) -> Path:
    """A settings file for a client between `api`, the server's, and `twitter`, the section."""
    keys = ("api_key", "api_secret", "access_token", "access_token_secret")
    document = {
        "server": {
            "base_url": api,
            "client_id": 1,
            "auth_token": TOKEN,
            "ping_interval": 1.0,
            "update_interval": 5.0,
        },
        "twitter_auth": {key: getattr(SANDBOX_CREDENTIALS, key) for key in keys},
        "twitter": twitter,
        "output": {"base_dir": "data", "minute_interval": 1},
    }
    path = folder / "settings.json"
    path.write_text(json.dumps(document))
    return path


def ids_on_disk(folder: Path, id_of: Callable[[Any], str]) -> list[str]:
    """The ids of all posts in finished files; `id_of` finds it in a decoded line."""
    found = []
    for path in sorted(folder.glob("*.json")):
        with path.open("rb") as lines:
            for line in lines:
                assert line.endswith(b"}\n"), f"{path} holds a torn line"
                found.append(id_of(json.loads(line)))
    return found
