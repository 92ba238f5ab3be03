"""
Runs twistd as its script does, and writes down how long turns of its reactor take.

`turns.py FILE ARGUMENT...`: the file gets a line for each turn that is longer than all before it,
with the seconds of CPU time that the reactor's thread needed.
"""

import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet.base import ReactorBase
from twisted.scripts.twistd import run

LONGEST = 0.2
"""Seconds that a turn may take."""


def longest(path: Path) -> float:
    """Return how long the longest turn was."""
    return float(path.read_text().split()[-1])


def main(path: str, *arguments: str) -> None:
    """Run twistd with these arguments."""
    begin_turn = ReactorBase.runUntilCurrent
    since: float | None = None
    longest = 0.0
    with Path(path).open("w", buffering=1) as file:

        def watched(reactor: Any) -> None:
            nonlocal since, longest
            now = time.thread_time()
            if since is not None and now - since > longest:
                longest = now - since
                file.write(f"{longest}\n")
            since = now
            begin_turn(reactor)

        ReactorBase.runUntilCurrent = watched  # type: ignore[method-assign]
        sys.argv = ["twistd", *arguments]
        run()


if __name__ == "__main__":
    main(*sys.argv[1:])
