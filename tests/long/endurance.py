"""
`python -m tests.long.endurance`: a long run at a high rate with stops, starts and new keywords.

Three real processes on loopback: the simulated Twitter, the stand-in server, the client.  Prints
what was sent, stored and reported, and exits with status 1 where any of it does not agree.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tcclient.sandbox.server import TOKEN
from tcclient.sandbox.twitter.oauth import SANDBOX_CREDENTIALS

PERIOD = 20.0
"""Seconds from one start to the next; stopped for the last two of them."""
KEYWORDS = ("coffee,green tea", "espresso,iced coffee", "cocoa,milk")


def start(arguments: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def listening(process: subprocess.Popen[str]) -> str:
    """The URL in the line that a stand-in prints."""
    assert process.stdout is not None
    line = process.stdout.readline()
    return next(word for word in line.split() if word.startswith("http://"))


class Server:
    """The stand-in, as a researcher's browser and an auditor use it."""

    def __init__(self, api: str) -> None:
        self.api = api

    def ask(self, method: str, url: str, fields: dict[str, object] | None = None) -> dict:
        request = urllib.request.Request(url, method=method)
        request.add_header("Authorization", f"Token {TOKEN}")
        request.add_header("Content-Type", "application/json")
        data = None if fields is None else json.dumps(fields).encode()
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            return json.load(answer)

    def job(self) -> dict:
        return self.ask("GET", f"{self.api}activejobs/1/")

    def write(self, **fields: object) -> None:
        self.ask("PATCH", f"{self.api}activejobs/1/", fields)

    def sum_of_counts(self) -> int:
        state = self.ask("GET", self.api.replace("/api/", "/sandbox/state"))
        return state["updates"]["1"]["count"]

    def wait_for(self, status: int, bound: float = 60.0) -> float:
        began = time.monotonic()
        while self.job()["status"] != status:
            if time.monotonic() - began > bound:
                raise SystemExit(f"The job did not reach status {status} in {bound} s.")
            time.sleep(0.02)
        return time.monotonic() - began


def rss(pid: int) -> int:
    """Resident kilobytes."""
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


def settings(folder: Path, api: str, stream: str) -> Path:
    path = folder / "settings.json"
    keys = ("api_key", "api_secret", "access_token", "access_token_secret")
    path.write_text(
        json.dumps(
            {
                "server": {
                    "base_url": api,
                    "client_id": 1,
                    "auth_token": TOKEN,
                    "ping_interval": 1.0,
                    "update_interval": 5.0,
                },
                "twitter_auth": {key: getattr(SANDBOX_CREDENTIALS, key) for key in keys},
                "twitter": {"api": "1.1", "stream_url": stream},
                "output": {"base_dir": "data", "minute_interval": 1},
            }
        )
    )
    return path


def ids_on_disk(folder: Path) -> list[str]:
    found = []
    for path in sorted(folder.glob("*.json")):
        with path.open("rb") as lines:
            for line in lines:
                assert line.endswith(b"}\n"), f"{path} holds a torn line"
                found.append(json.loads(line)["id_str"])
    return found


def run(
    server: Server, client_pid: int, seconds: float
) -> tuple[list[float], list[int], list[float]]:
    """Stop, start and re-key until the time is over; (STOPPING set at, RSS samples, waits)."""
    stopped_at, memory, waits = [], [], []
    end = time.monotonic() + seconds
    turn = 0
    while time.monotonic() < end:
        for _ in range(2):
            pause(client_pid, memory, (PERIOD - 2) / 3)
            turn += 1
            server.write(keywords=KEYWORDS[turn % len(KEYWORDS)])
        pause(client_pid, memory, (PERIOD - 2) / 3)
        stopped_at.append(time.time())
        server.write(status=4)
        waits.append(server.wait_for(5))
        if time.monotonic() < end:
            server.write(status=2)
            server.wait_for(3)
    return stopped_at, memory, waits


def pause(pid: int, memory: list[int], seconds: float) -> None:
    for _ in range(max(1, round(seconds))):
        time.sleep(seconds / max(1, round(seconds)))
        memory.append(rss(pid))


def audit(folder: Path, server: Server, stopped_at: list[float]) -> dict[str, int]:
    on_disk = ids_on_disk(folder / "data" / "endurance")
    sent: dict[str, float] = {}
    for line in (folder / "journal").read_text().splitlines():
        at, _, id_ = line.split()
        sent[id_] = float(at)
    stored = set(on_disk)
    # What was sent while a stop was under way may or may not have been read.
    late = 0
    missing = 0
    for id_, at in sent.items():
        if id_ in stored:
            continue
        if any(moment <= at <= moment + 3 for moment in stopped_at):
            late += 1
        else:
            missing += 1
    return {
        "posts sent": len(sent),
        "lines on disk": len(on_disk),
        "sent after STOPPING was set, not stored": late,
        "sent before STOPPING was set, not stored": missing,
        "stored but never sent": len(stored - set(sent)),
        "stored twice": len(on_disk) - len(stored),
        "server's total": server.job()["total_count"],
        "sum of count": server.sum_of_counts(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=2000.0, help="posts a second")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tcc-endurance-"))
    processes = []
    try:
        twitter = start(
            ["tcclient.sandbox.twitter", "--port=0", f"--rate={options.rate}", "--seed=1",
             f"--journal={folder / 'journal'}"],
        )  # fmt: skip
        processes.append(twitter)
        control = start(["tcclient.sandbox.server", "--port=0", f"--job=endurance:{KEYWORDS[0]}"])
        processes.append(control)
        server = Server(listening(control))
        config = settings(folder, server.api, listening(twitter))
        with (folder / "log").open("w") as log:
            client = subprocess.Popen(
                [Path(sys.executable).with_name("twistd"), "-n", "--pidfile=", "tcc",
                 "--config", config], stdout=log, stderr=log, cwd=folder,
            )  # fmt: skip
        processes.append(client)
        server.wait_for(3)
        stopped_at, memory, waits = run(server, client.pid, options.minutes * 60)
        client.send_signal(signal.SIGTERM)
        client.wait(30)
        twitter.send_signal(signal.SIGTERM)
        twitter.wait(30)
        report(audit(folder, server, stopped_at), memory, waits, folder)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def report(found: dict[str, int], memory: list[int], waits: list[float], folder: Path) -> None:
    for name, number in found.items():
        print(f"{name:45} {number:>12,}")
    at_two_minutes = memory[min(len(memory) - 1, 105)]
    print(f"{'RSS at minute 2, at the end, most (kB)':45} {at_two_minutes:>12,} {memory[-1]:,} "
          f"{max(memory[105:] or memory):,}")  # fmt: skip
    print(f"{'STOPPING to STOPPED, median and worst (s)':45} {statistics.median(waits):12.3f} "
          f"{max(waits):.3f} ({len(waits)} stops)")  # fmt: skip
    lines = found["lines on disk"]
    wrong = (
        found["sent before STOPPING was set, not stored"]
        or found["stored but never sent"]
        or found["stored twice"]
        or lines != found["server's total"]
        or lines != found["sum of count"]
    )
    if wrong:
        sys.exit(f"Not everything agrees; see {folder}.")
    print(f"Everything agrees ({folder}).")


if __name__ == "__main__":
    main()
