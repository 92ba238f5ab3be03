"""
`python -m benchmarks.latency`: how late the bytes of a tweet can be read in the file.

From the moment before the generator writes a tweet to its socket to the moment when the file is as
long as the tweet's end.  This process looks at the length every WATCH seconds, and does nothing
else meanwhile: a figure may be too large by that.
"""

import argparse
import itertools
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import attrs

from benchmarks.arguments import parser, positive, rates
from benchmarks.client import capturing, known_output
from benchmarks.feeding import Certificate, feeding
from benchmarks.lag import delays, row
from benchmarks.machine import write
from benchmarks.modes import WIRES, Mode
from benchmarks.rivals import CURL, default_cache
from benchmarks.rounds import running
from benchmarks.scene import Place, Scene, workshop
from benchmarks.sizes import SENT_END, STORED_END, sizes

WATCH = 0.0002
PATIENCE = 30.0
"""Seconds that posts may take once all have been due, besides as long again as sending takes."""
HOUR = {"minute_interval": 60}
"""So that hardly ever a slot ends in a run; one that does leaves posts unseen, which is said."""

FileOf = AbstractContextManager[Callable[[], Path]]
"""Within it the consumer has its stream; it gives what finds the file, once there is one."""


@attrs.frozen
class Consumer:
    """`line_end` is how many bytes it ends a post with."""

    name: str
    line_end: int
    begin: Callable[[Scene, Path], FileOf]


@contextmanager
def _client(
    scene: Scene, folder: Path, output: Mapping[str, object]
) -> Iterator[Callable[[], Path]]:
    with capturing(scene, folder, output) as client:
        scene.feed.wait_for_connection()
        client.wait_until_running()
        yield lambda: client.files()[0][0]
        client.end()


@contextmanager
def _curl(scene: Scene, folder: Path) -> Iterator[Callable[[], Path]]:
    file = folder / "posts"
    with running(CURL.command(scene.cache, scene.mode, scene.root, file), scene):
        scene.feed.wait_for_connection()
        yield lambda: file


def consumers() -> Iterator[Consumer]:
    """The client as it is set by default, and as fast as it can be set, and curl."""
    yield Consumer("tcc", STORED_END, lambda s, f: _client(s, f, HOUR))
    at_once = known_output(flush_interval=0.0)
    if at_once:
        yield Consumer(
            "tcc, flush_interval 0", STORED_END, lambda s, f: _client(s, f, {**HOUR, **at_once})
        )
    yield Consumer("curl", SENT_END, _curl)


def watch(find: Callable[[], Path], wanted: int, until: float) -> list[tuple[float, int]]:
    """When the file had which length, until it has so many bytes or it is too late."""
    growth: list[tuple[float, int]] = []
    file = None
    last = 0
    while last < wanted and time.monotonic() < until:
        time.sleep(WATCH)
        try:
            file = file or find()
            size = file.stat().st_size
        except (IndexError, FileNotFoundError):
            continue
        if size > last:
            growth.append((time.monotonic(), size))
            last = size
    return growth


def one_run(scene: Scene, consumer: Consumer, posts: int, rate: float) -> tuple[list[float], float]:
    """The delays of the posts that were seen in the file, and the rate that was reached."""
    ends = list(
        itertools.accumulate(
            size + consumer.line_end for size in sizes(scene.mode.api, posts, scene.tags)
        )
    )
    with scene.folder() as folder:
        scene.feed.expect(posts)
        times = folder / "times"
        with consumer.begin(scene, folder) as find:
            scene.feed.send(rate)
            until = time.monotonic() + 2 * posts / rate + PATIENCE
            growth = watch(find, ends[-1], until)
            reached = posts / scene.feed.sent(PATIENCE)["seconds"]
            scene.feed.end(times)
        sent_at = array("d")
        sent_at.frombytes(times.read_bytes())
        return delays(sent_at, ends, growth), reached


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    told = parser(__doc__, "latency.json")
    add = told.add_argument
    add("--rates", type=rates, default="1,100,1000,5000,20000", help="posts a second")
    add("--seconds", type=positive, default=30.0, help="for each rate and consumer")
    add("--wire", choices=WIRES, default="TLS")
    return told.parse_args(arguments)


def main() -> None:
    options = read_arguments()
    mode = Mode("v1.1", options.wire, "tweet", "paced")
    found: dict[str, list[float]] = {}
    print("| consumer | tweets/s | reached | seen | p50 ms | p99 ms | p99.9 ms | most ms |")
    print("| --- " * 8 + "|")
    with workshop("latency", options.folder) as base:
        certificate = Certificate.made_in(base)
        with feeding(mode.recording, certificate.pem, []) as feed:
            scene = Scene(mode, feed, Place(), certificate.public, default_cache(), base)
            for rate, consumer in itertools.product(options.rates, consumers()):
                posts = max(1, round(rate * options.seconds))
                late, reached = one_run(scene, consumer, posts, rate)
                found[f"{consumer.name} at {rate:g}/s"] = late
                print(
                    f"| {consumer.name} | {rate:,g} | {reached:,.0f} | {row(late, posts)} |",
                    flush=True,
                )
    write(options.json, mode=mode, **{"seconds late": found})
    if not all(found.values()):
        sys.exit("Of some runs no post was seen.")


if __name__ == "__main__":
    main()
