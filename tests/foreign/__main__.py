"""
Has twarc, tweepy and X's own SDK make rules, read both streams and delete what they made, each
against a simulator of its own.

`python -m tests.foreign --python PATH` needs an environment of its own, in which they are, by
`pip install twarc==2.14.0 tweepy==4.17.0 xdk==0.10.6`.  Exits with 1 if one of them cannot do that.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.long.processes import ending, start

PEERS = ("twarc2", "tweepy4", "xdk0")
LIMIT = 60.0
"""Seconds for each of them."""
NEW_NAMES = ("xdk0",)
"""Those that drop each line whose members have the names of openapi 2.165."""


def works(python: str, peer: str) -> bool:
    """Return whether a peer can do it all; it says what it cannot."""
    options = ["--port=0", "--rate=50", "--rule-delay=0", "--seed=1"]
    options += ["--post-names"] if peer in NEW_NAMES else []
    with ending([simulator := start("tcsandbox.twitter", *options)]):
        assert simulator.stdout is not None
        found = re.search(r"http://[^/]+/", simulator.stdout.readline())
        assert found is not None, "It has not started."
        script = Path(__file__).parent / "peers" / f"{peer}.py"
        try:
            return not subprocess.run([python, script, found[0]], timeout=LIMIT).returncode
        except subprocess.TimeoutExpired:
            return False


def main(arguments: Sequence[str] | None = None) -> None:
    """Try all of them; exit with 1 if one fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.foreign")
    parser.add_argument("--python", required=True, help="of the environment that has them")
    options = parser.parse_args(arguments)
    failed = [peer for peer in PEERS if not works(options.python, peer)]
    print(
        f"{len(PEERS) - len(failed)} of {len(PEERS)} work" + "".join(f"; {p} fails" for p in failed)
    )
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
