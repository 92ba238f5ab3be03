"""
One round of one consumer: started, fed, measured, its files checked and removed.

The CPU of every consumer is read from /proc: before the first byte is sent, and SETTLE after the
last one is in its files (the client), or when it has ended (peers, which end with the stream).
"""

import hashlib
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from benchmarks.checking import Found, check
from benchmarks.client import Client, capturing
from benchmarks.measuring import cpu, ended, memory
from benchmarks.rivals import Rival, environment
from benchmarks.scene import Scene
from benchmarks.sizes import sent_size, stored_size
from benchmarks.table import Sample

PAUSE = 0.005
SETTLE = 1.5
"""Seconds for what the client does behind its writing: the last fsync, and a hash."""
PATIENCE = 60.0
"""Seconds that a consumer may go without storing anything."""
SLOWEST = 2_000.0
"""Posts a second: a consumer that takes longer is given up."""


@attrs.frozen
class Amount:
    """
    What is sent in a round; `rate` is 0 for flat out.  Without posts it is keep-alives only, for so
    many seconds of `silence`.
    """

    posts: int
    rate: float = 0.0
    silence: float = 0.0

    @property
    def bound(self) -> float:
        """Seconds that sending may take."""
        slowest = min(self.rate or SLOWEST, SLOWEST)
        return PATIENCE + self.posts / slowest + self.silence


def client_round(
    scene: Scene, amount: Amount, build: Path | None = None, rest: float = 0.0
) -> tuple[Sample, Sample | None]:
    """
    The client's sample, and the same with the SHA-256 taken off where it has computed one.  `build`
    is the folder of another build, and `rest` the seconds between its start and the first byte.
    """
    size = stored_size(scene.mode.api, amount.posts, scene.tags)
    scene.feed.expect(amount.posts)
    with scene.folder() as folder, capturing(scene, folder, build=build) as client:
        scene.feed.wait_for_connection()
        client.wait_until_running()
        time.sleep(rest)
        startup = cpu(client.pid)
        scene.feed.send(amount.rate, amount.silence)
        told = scene.feed.sent(amount.bound)
        wait_for_size(client, size)
        seconds = time.monotonic() - told["began"]
        time.sleep(SETTLE)
        used = cpu(client.pid) - startup
        found_memory = memory(client.pid)
        client.end()
        scene.feed.end()
        sample = Sample(
            posts=amount.posts,
            cpu=used,
            startup=startup,
            seconds=seconds,
            size=sent_size(scene.mode.api, amount.posts, scene.tags),
            peak=found_memory.peak if found_memory else 0.0,
            found=str(check_client(client, amount.posts)),
        )
        files = [path for some in client.files() for path in some]
        if not client.has_hash():
            return sample, None
        return sample, attrs.evolve(sample, cpu=used - hashing(files))


def rival_round(
    scene: Scene, rival: Rival, amount: Amount, rest: float = 0.0
) -> tuple[Sample, Sample]:
    """The peer's sample, and that of the peer with `sha256sum` of its file after it."""
    with scene.folder() as folder:
        file = folder / "posts"
        scene.feed.expect(amount.posts)
        with running(rival.command(scene.cache, scene.mode, scene.root, file), scene) as pid:
            scene.feed.wait_for_connection()
            time.sleep(rest)
            startup = cpu(pid)
            scene.feed.send(amount.rate, amount.silence)
            told = scene.feed.sent(amount.bound)
            found_memory = memory(pid)
            scene.feed.end()
            wait_for_end(pid)
            seconds = time.monotonic() - told["began"]
            used = cpu(pid) - startup
        sample = Sample(
            posts=amount.posts,
            cpu=used,
            startup=startup,
            seconds=seconds,
            size=sent_size(scene.mode.api, amount.posts, scene.tags),
            peak=found_memory.peak if found_memory else 0.0,
            found=str(check([file], range(amount.posts))),
        )
        began = time.monotonic()
        with running(["sha256sum", str(file)], scene) as pid:
            wait_for_end(pid)
            hashed = attrs.evolve(
                sample, cpu=used + cpu(pid), seconds=seconds + time.monotonic() - began
            )
        return sample, hashed


@contextmanager
def running(command: Sequence[str], scene: Scene) -> Iterator[int]:
    """A process, of which the figures can still be asked when it has ended."""
    process = subprocess.Popen(
        command, env=environment(scene.trusted), stdout=subprocess.DEVNULL, cwd=scene.base
    )
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def wait_for_end(pid: int) -> None:
    """Returns once a child has ended; raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while not ended(pid):
        if time.monotonic() > deadline:
            raise TimeoutError("A peer did not end with its stream.")
        time.sleep(PAUSE)


def wait_for_size(client: Client, size: int) -> None:
    """Returns once so many bytes are in the client's files, or no more come."""
    seen, since = -1, time.monotonic()
    while seen < size and time.monotonic() - since < PATIENCE:
        found = client.size()
        if found > seen:
            seen, since = found, time.monotonic()
        time.sleep(PAUSE)


def check_client(client: Client, posts: int) -> Found:
    expected = client.expected(posts)
    pairs = zip(client.files(), expected, strict=True)
    return sum((check(files, numbers) for files, numbers in pairs), Found())


def hashing(files: Iterable[Path]) -> float:
    """CPU seconds of the SHA-256 of files, without reading them."""
    used = 0.0
    for path in files:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                began = time.thread_time()
                digest.update(block)
                used += time.thread_time() - began
    return used
