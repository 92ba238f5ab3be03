"""
`python -m tests.long.endurance`: v1.1 at a high rate with stops, starts and new keywords.

Three real processes on loopback: the simulated Twitter, the stand-in server, the client.  Prints
what was sent, stored and reported, and exits with status 1 where any of it does not agree.
"""

import argparse
import random
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.long.processes import (
    Server,
    ending,
    ids_on_disk,
    listening,
    rss,
    settings,
    start,
    start_client,
)

KEYWORDS = ("coffee,green tea", "espresso,iced coffee", "cocoa,milk")
PER_MINUTE = 54
"""Memory samples: one a second, but for the two seconds of each stop."""


def run(
    server: Server, pid: int, seconds: float, period: float
) -> tuple[list[float], list[int], list[float]]:
    """Stop, start and re-key until the time is over; (STOPPING set at, RSS samples, waits)."""
    stopped_at: list[float] = []
    memory: list[int] = []
    waits: list[float] = []
    end = time.monotonic() + seconds
    turn = 0
    while time.monotonic() < end:
        for _ in range(2):
            pause(pid, memory, (period - 2) / 3)
            turn += 1
            server.write(1, keywords=KEYWORDS[turn % len(KEYWORDS)])
        pause(pid, memory, (period - 2) / 3)
        time.sleep(random.random())  # at any moment between two polls
        stopped_at.append(time.time())
        server.write(1, status=4)
        waits.append(server.wait_for(1, 5))
        if time.monotonic() < end:
            server.write(1, status=2)
            server.wait_for(1, 3)
    return stopped_at, memory, waits


def pause(pid: int, memory: list[int], seconds: float) -> None:
    for _ in range(max(1, round(seconds))):
        time.sleep(seconds / max(1, round(seconds)))
        memory.append(rss(pid))


def audit(folder: Path, server: Server, stopped_at: list[float]) -> dict[str, int]:
    on_disk = ids_on_disk(folder / "data" / "endurance", lambda post: post["id_str"])
    sent: dict[str, float] = {}
    for line in (folder / "journal").read_text().splitlines():
        if not line.startswith("#"):
            at, _, id_ = line.split()
            sent[id_] = float(at)
    stored = set(on_disk)
    unstored = [at for id_, at in sent.items() if id_ not in stored]
    # What was sent while a stop was under way may or may not have been read.
    late = [at for at in unstored if any(moment <= at <= moment + 3 for moment in stopped_at)]
    return {
        "posts sent": len(sent),
        "lines on disk": len(on_disk),
        "sent after STOPPING was set, not stored": len(late),
        "sent before STOPPING was set, not stored": len(unstored) - len(late),
        "stored but never sent": len(stored - set(sent)),
        "stored twice": len(on_disk) - len(stored),
        "server's total": server.job(1)["total_count"],
        "sum of count": server.sum_of_counts(1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=2000.0, help="posts a second")
    parser.add_argument("--period", type=float, default=20.0, help="seconds between two stops")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tcc-endurance-"))
    processes = []
    with ending(processes):
        twitter = start(
            "tcsandbox.twitter", "--port=0", f"--rate={options.rate}", "--seed=1",
            f"--journal={folder / 'journal'}",
        )  # fmt: skip
        processes.append(twitter)
        control = start("tcsandbox.server", "--port=0", f"--job=endurance:{KEYWORDS[0]}")
        processes.append(control)
        server = Server(listening(control))
        section = {"api": "1.1", "stream_url": listening(twitter)}
        client = start_client(folder, settings(folder, server.api, section))
        processes.append(client)
        server.wait_for(1, 3)
        stopped_at, memory, waits = run(server, client.pid, options.minutes * 60, options.period)
        for process in (client, twitter):
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        report(audit(folder, server, stopped_at), memory, waits, folder)


def report(found: dict[str, int], memory: list[int], waits: list[float], folder: Path) -> None:
    for name, number in found.items():
        print(f"{name:45} {number:>12,}")
    from_minute_2 = memory[min(len(memory) - 1, 2 * PER_MINUTE) :]
    print(
        f"{'RSS at minute 2, at the end, most (kB)':45} "
        f"{from_minute_2[0]:>12,} {from_minute_2[-1]:,} {max(from_minute_2):,}"
    )
    print(
        f"{'STOPPING to STOPPED, median and worst (s)':45} {statistics.median(waits):12.3f} "
        f"{max(waits):.3f} ({len(waits)} stops)"
    )
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
