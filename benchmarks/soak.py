"""
`python -m benchmarks.soak`: memory, descriptors and lag over a long run at a fixed rate.

`--disk 20` puts the client on a disk that takes 20 MB a second: see benchmarks.slowdisk.  Posts are
made while they are sent, so that a run may be longer than memory.  Exits with status 1 where a file
does not hold every post once.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

import attrs

from benchmarks import slowdisk
from benchmarks.arguments import parser, positive
from benchmarks.client import Client, capturing
from benchmarks.feeding import Certificate, feeding
from benchmarks.machine import write
from benchmarks.measuring import cpu, descriptors, memory
from benchmarks.modes import APIS, WIRES, Mode
from benchmarks.rivals import default_cache
from benchmarks.rounds import check_client, wait_for_size
from benchmarks.scene import Place, Scene, workshop
from benchmarks.sizes import stored_size

TYPICAL = 30 * 512
"""Posts of which the mean size is taken for that of all: their templates come round after 512."""
GRACE = 600.0
"""Seconds that the client may be behind when all posts have been due, and take to finish files."""


@attrs.frozen
class State:
    """
    `at` is in seconds since the first post.  `lag` is how many seconds ago the post was due that is
    the last one in the file; where it grows, the client or the generator does not keep up.
    """

    at: float
    rss: float
    fds: int
    cpu: float
    lag: float


def states(
    client: Client, began: float, per_second: float, options: argparse.Namespace
) -> Iterator[State]:
    """One every `options.every` seconds until all posts are due; `per_second` is in bytes."""
    end = began + options.minutes * 60
    while (now := time.monotonic()) < end:
        time.sleep(min(options.every, end - now))
        resident = memory(client.pid)
        if resident is None:
            sys.exit("The client has ended; see its log.")
        at = time.monotonic() - began
        lag = max(0.0, at - client.size() / per_second)
        yield State(at, resident.now, descriptors(client.pid), cpu(client.pid), lag)


def run(scene: Scene, options: argparse.Namespace) -> tuple[list[State], str]:
    """What was seen, and what is wrong with the files."""
    posts = round(options.rate * options.minutes * 60)
    typical = stored_size(scene.mode.api, TYPICAL, scene.tags) / TYPICAL
    launcher = [] if options.disk is None else _slow_twistd(options.disk)
    found = []
    scene.feed.expect(posts, "live")
    with (
        scene.folder() as folder,
        capturing(scene, folder, {}, launcher) as client,
    ):
        scene.feed.wait_for_connection()
        client.wait_until_running()
        began = time.monotonic()
        scene.feed.send(options.rate)
        for state in states(client, began, typical * options.rate, options):
            found.append(state)
            print(_row(state), flush=True)
        scene.feed.sent(GRACE)
        wait_for_size(client, stored_size(scene.mode.api, posts, scene.tags))
        client.end(GRACE)
        scene.feed.end()
        return found, str(check_client(client, posts))


def _slow_twistd(rate: float) -> list[str]:
    return [sys.executable, slowdisk.__file__, f"{rate:g}"]


def _row(state: State) -> str:
    return (
        f"| {state.at:,.0f} | {state.rss:.1f} | {state.fds} | {state.cpu:.1f} | {state.lag:.2f} |"
    )


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    told = parser(__doc__, "soak.json")
    add = told.add_argument
    add("--minutes", type=positive, default=60.0)
    add("--rate", type=positive, default=1_000.0, help="posts a second")
    add("--every", type=positive, default=10.0, help="seconds between two rows")
    add("--api", choices=APIS, default="v2")
    add("--wire", choices=WIRES, default="TLS+gzip")
    add("--disk", type=positive, help="megabytes a second of a slow disk")
    return told.parse_args(arguments)


def main() -> None:
    options = read_arguments()
    mode = Mode(options.api, options.wire, "tweet", "paced")
    place = Place()
    print("| s | RSS MiB | descriptors | CPU s | lag s |")
    print("| --- " * 5 + "|")
    with workshop("soak", options.folder) as base:
        certificate = Certificate.made_in(base)
        with feeding(mode.recording, certificate.pem, place.tags(mode.api)) as feed:
            scene = Scene(mode, feed, place, certificate.public, default_cache(), base)
            seen, wrong = run(scene, options)
    states = list(map(attrs.asdict, seen))
    told = {"rate": options.rate, "disk": options.disk}
    write(options.json, mode=mode, **told, states=states, files=wrong)
    print(f"\nThe files are {wrong}.")
    if wrong != "whole":
        sys.exit(1)


if __name__ == "__main__":
    main()
