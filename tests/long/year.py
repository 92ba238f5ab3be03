"""
`python -m tests.long.year FOLDER`: a ledger of a year at default settings, and what is read of it.

In FOLDER/storm there are then the files of the ledger, and none of posts: a finished file each 10
minutes, a few reconnects a day, each with a gap, a start of the client a week, other keywords a
month.  Prints the bytes, how many differences `--verify` finds in the ledger, and CPU seconds and
MiB of `tcc-account`, and of `--plot`.  The files are not made anew where FOLDER exists.  With
`--updates` there is a line each 30 s too, as up to 1.0.0.
"""

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tcclient.ledger import bookings, entries
from tcclient.ledger.counters import Counters
from tcclient.ledger.entries import moment
from tcclient.ledger.ledgerfile import Ledger
from tcclient.storage.index import INDEX

NAME, JOB = "storm", 1
BEGAN = 1_762_000_000.0 // 600 * 600
SLOT, DAY, YEAR, UPDATE = 600.0, 86400.0, 365 * 86400.0, 30.0
POSTS = 3000
STATUS = "https://stream.example.org/1.1/statuses/filter.json"


class Year:
    """Writes the ledger of a capture over a year."""

    def __init__(self, folder: Path, *, updates: bool) -> None:
        self._random = random.Random(5)
        self._updates = updates
        self._now = BEGAN
        self._counters = Counters(told=0, tried=0)
        path = folder / NAME / f"{NAME}.ledger.jsonl"
        self._ledger = Ledger(path, lambda: self._now)

    def write(self) -> None:
        """Write all of it."""
        self._start("started", 2)
        text = "storm, green tea"
        self._say(entries.Keywords(None, text))
        while self._now < BEGAN + YEAR:
            self._slot()
            day, week, month = (self._is_new(length) for length in (DAY / 4, 7 * DAY, 30 * DAY))
            if week:
                self._say(entries.CaptureStop("left", 3, moment(self._now)))
                self._say(bookings.CaptureClose(counters=self._counters))
                self._now += 20
                self._start("resumed", 3)
            elif day:
                self._loses()
            if month:
                before, text = text, f"storm, green tea, word{self._random.randrange(99)}"
                self._say(entries.Keywords(before, text))
                self._say(entries.KeywordsInForce(text, moment(self._now)))
        self._ledger.close()

    def _say(self, entry: entries.Entry) -> None:
        self._ledger.write(entry, JOB)

    def _is_new(self, length: float) -> bool:
        """Whether one more of these lengths of time has begun with this slot."""
        return self._now % length < SLOT

    def _start(self, because: str, status: int) -> None:
        opened = bookings.CaptureOpen(1, NAME, self._counters, "0" * 32)
        self._say(opened)
        self._say(entries.CaptureStart(because, status))
        self._hear(self._now, "start", "the capture was started")

    def _hear(self, since: float, cause: str, detail: str) -> None:
        self._now += self._random.uniform(0.5, 90.0)
        self._say(entries.Connected(STATUS, 200, 0))
        lasted = round(self._now - since, 3)
        self._say(entries.Gap(moment(since), moment(self._now), lasted, cause, detail, 1, "storm"))

    def _loses(self) -> None:
        cause = self._random.choice(("closed", "stall", "refused"))
        self._say(entries.Disconnected(cause, "the connection was lost", silent=1.0, wait=0.0))
        self._hear(self._now - 1, cause, "the connection was lost")

    def _update(self, begin: float, posts: int) -> None:
        """Tell the server each half minute of a slot how many posts there are."""
        end, count = self._now, round(posts * UPDATE / SLOT)
        self._now = begin + UPDATE
        while self._now < end:
            self._counters = Counters(0, self._counters.posts, self._counters.settled + count)
            self._say(bookings.Update(count=count, counters=self._counters))
            self._now += UPDATE
        self._now = end

    def _slot(self) -> None:
        """Let a slot pass, whose file is finished."""
        begin = self._now
        self._now = (begin // SLOT + 1) * SLOT
        posts = self._random.randrange(POSTS // 2, POSTS)
        stored = self._counters.posts
        if self._updates:
            self._update(begin, posts)
        settled = max(stored, self._counters.settled)
        count = settled - self._counters.settled
        self._counters = Counters(0, stored + posts, settled)
        made = round(begin * 1000) - 1288834974657 << 22
        self._say(
            bookings.File(
                name=f"{NAME}{moment(begin)[:16].translate(_PLAIN)}.json",
                posts=posts,
                bytes=posts * 2500,
                sha256=f"{self._random.getrandbits(256):064x}",
                first_id=str(made),
                last_id=str(made + posts),
                first_arrival=moment(begin + 0.5),
                last_arrival=moment(self._now - 0.5),
                count=count,
                counters=self._counters,
            )
        )


_PLAIN = {ord(mark): sign for mark, sign in {"-": "", "T": "_", ":": ""}.items()}


def needs(*arguments: str) -> tuple[float, float]:
    """Return the CPU seconds, and the most MiB, that a command takes.  Raises where it fails."""
    process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def differences(capture: Path) -> int:
    """Return how many sentences `--verify` has of what is there, which is the ledger."""
    command = [sys.executable, "-m", "tcaccount", str(capture), "--verify"]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
    *sentences, _ = said.splitlines()
    return sum(not (one.startswith(NAME) and one.endswith("is not there.")) for one in sentences)


def figures(folder: Path) -> Iterator[str]:
    """Yield rows of a table."""
    capture = folder / NAME
    size = sum(file.stat().st_size for file in capture.glob("*.jsonl"))
    yield f"bytes of the ledger: {size:,}"
    yield f"differences, but for the files of posts that are not there: {differences(capture)}"
    for more in ((), ("--plot", str(folder / "year.png"))):
        for _ in range(3):
            cpu, memory = needs("tcaccount", str(capture), *more)
            yield f"tcc-account {' '.join(more[:1])}: {cpu:.2f} s of CPU, {memory:.0f} MiB"


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.long.year", description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--updates", action="store_true")
    chosen = options.parse_args()
    if not chosen.folder.exists():
        chosen.folder.mkdir(parents=True)
        with Ledger(chosen.folder / INDEX, lambda: BEGAN) as index:
            index.write(bookings.JobFolder("http://127.0.0.1/api/", NAME), JOB)
        Year(chosen.folder, updates=chosen.updates).write()
    for line in figures(chosen.folder):
        print(line, flush=True)


if __name__ == "__main__":
    main()
