"""
`python -m tests.long.overlap`: X API v2 with three captures of overlapping keywords, one of which
gets new keywords every few seconds, over one connection.

For each capture, the posts on disk are compared with those that the simulated X matched to its
rules while they were in force.  Exits with status 1 where they differ.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.long.processes import (
    Server,
    ask,
    ending,
    ids_on_disk,
    listening,
    rss,
    settings,
    start,
    start_client,
    waited_for,
)

WORDS = ("coffee", "green tea", "milk", "cocoa", "iced coffee", "espresso", "sugar", "rain")
RULE_DELAY = 1.0
JOBS = (1, 2, 3)


def keywords(turn: int) -> str:
    """Four of the words, so that any two captures share some of them."""
    return ", ".join(WORDS[(turn + at) % len(WORDS)] for at in (0, 1, 2, 4))


def edit(server: Server, pid: int, options: argparse.Namespace) -> list[int]:
    """New keywords for one capture after the other, until the time is over; RSS samples."""
    memory = []
    end = time.monotonic() + options.minutes * 60
    turn = len(JOBS)
    while time.monotonic() < end:
        time.sleep(options.every)
        server.write(JOBS[turn % len(JOBS)], keywords=keywords(turn))
        memory.append(rss(pid))
        turn += 1
    return memory


def matched(journal: Path) -> dict[int, set[str]]:
    """Job -> the ids of the posts that one of its rules matched."""
    found = defaultdict(set)
    for line in journal.read_text().splitlines():
        if line.startswith("#"):
            continue
        _, _, id_, rules = line.split(maxsplit=3)
        for rule in rules.split(","):
            found[int(rule.rpartition(":")[2])].add(id_)
    return found


def wait_for_silence(root: str, server: Server, journal: Path, bound: float = 30.0) -> None:
    """No more posts are sent, and those that were are reported, or `bound` seconds have passed."""
    ask("POST", f"{root}sandbox/rate", {"rate": 0})
    sent = {job: len(ids) for job, ids in matched(journal).items()}
    waited_for(lambda: all(server.job(job)["total_count"] >= sent[job] for job in sent), bound)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=1000.0, help="posts a second")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two edits")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tcc-overlap-"))
    processes = []
    with ending(processes):
        twitter = start(
            "tcsandbox.twitter", "--port=0", f"--rate={options.rate}", "--seed=1",
            f"--rule-delay={RULE_DELAY}", f"--journal={folder / 'journal'}",
        )  # fmt: skip
        processes.append(twitter)
        jobs = [f"--job=job{job}:{keywords(job)}" for job in JOBS]
        control = start("tcsandbox.server", "--port=0", *jobs)
        processes.append(control)
        server = Server(listening(control))
        root = listening(twitter).removesuffix("1.1/")
        ask("POST", f"{root}sandbox/fault", {"kind": "plan", "rule_changes": 100_000,
                                             "rule_reads": 100_000})  # fmt: skip
        section = {"api": "2", "api_url": root, "rule_delay": RULE_DELAY}
        client = start_client(folder, settings(folder, server.api, section))
        processes.append(client)
        for job in JOBS:
            server.wait_for(job, 3)
        memory = edit(server, client.pid, options)
        wait_for_silence(root, server, folder / "journal")
        client.send_signal(signal.SIGTERM)
        client.wait(30)
        state = ask("GET", f"{root}sandbox/state")
        twitter.send_signal(signal.SIGTERM)
        twitter.wait(30)
        report(folder, server, state, memory)


def report(folder: Path, server: Server, state: dict[str, Any], memory: list[int]) -> None:
    sent = matched(folder / "journal")
    wrong = False
    for job in JOBS:
        on_disk = ids_on_disk(folder / "data" / f"job{job}", lambda post: post["data"]["id"])
        stored = set(on_disk)
        missing, foreign = len(sent[job] - stored), len(stored - sent[job])
        total, counts = server.job(job)["total_count"], server.sum_of_counts(job)
        print(
            f"job {job}: {len(sent[job]):,} matched, {len(on_disk):,} on disk, {missing} missing, "
            f"{foreign} foreign, {len(on_disk) - len(stored)} twice; total {total:,}, "
            f"sum of count {counts:,}"
        )
        wrong |= bool(missing or foreign) or not len(on_disk) == len(stored) == total == counts
    connects = connections(state)
    changes = sum('"change"' in line for line in (folder / "journal").read_text().splitlines())
    print(f"connections opened: {connects}; rules added and deleted: {changes}")
    print(
        f"RSS at the beginning, at the end, most (kB): {memory[0]:,} {memory[-1]:,} {max(memory):,}"
    )
    if wrong or connects != 1:
        sys.exit(f"Not everything agrees; see {folder}.")
    print(f"Everything agrees ({folder}).")


def connections(state: dict[str, Any]) -> int:
    """How many streams the simulated X has opened."""
    return sum(connect["status"] == 200 for connect in state["connects"])


if __name__ == "__main__":
    main()
