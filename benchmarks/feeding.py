"""The generator's process, from the other side of its pipes."""

import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from benchmarks.certificate import write_certificate

ROOT = Path(__file__).absolute().parent.parent
PREPARING = 600.0
"""Seconds for preparing a stream; gzip takes 60 µs a post."""
CONNECTING = 60.0


class NoNews(Exception):
    """The generator did not say in time what was waited for."""


@attrs.frozen
class Certificate:
    """`public` is what consumers are to trust, `pem` has the key too."""

    public: Path
    pem: Path

    @classmethod
    def made_in(cls, folder: Path) -> "Certificate":
        folder = folder.absolute()
        made = cls(folder / "certificate.pem", folder / "key.pem")
        write_certificate(made.public, made.pem)
        return made


class Feed:
    """What the generator has prepared, and where."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._said = b""
        listening = self._wait_for("listening", CONNECTING)
        self._roots = {
            False: f"http://127.0.0.1:{listening['plain']}/",
            True: f"https://127.0.0.1:{listening['tls']}/",
        }

    @property
    def pid(self) -> int:
        return self._process.pid

    def root(self, *, tls: bool) -> str:
        """The address below which everything is."""
        return self._roots[tls]

    def expect(self, posts: int, how: str = "recorded") -> None:
        """
        The next one who asks for the stream gets so many posts, which are `recorded` now, or made
        `live`.
        """
        self._command(f"expect {posts} {how}")
        self._wait_for("ready", PREPARING)

    def wait_for_connection(self, seconds: float = CONNECTING) -> None:
        self._wait_for("connected", seconds)

    def send(self, rate: float = 0.0, silence: float = 0.0) -> None:
        """
        Begin to send them, at `rate` a second, or flat out; or keep-alives for so many seconds of
        `silence`, if that is not 0.
        """
        self._command(f"idle {silence:g}" if silence else f"send {rate:g}")

    def sent(self, seconds: float) -> dict[str, Any]:
        """When it `began`, by the monotonic clock, and the `seconds` it took."""
        return self._wait_for("sent", seconds)

    def end(self, times: Path | None = None) -> None:
        """End the body, and write the moments of sending."""
        self._command(f"end {'-' if times is None else times}")
        self._wait_for("ended", CONNECTING)

    def _command(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    def _wait_for(self, event: str, seconds: float) -> dict[str, Any]:
        """
        What was told with `event`; raises NoNews after so many seconds, and where the consumer is
        gone.  News of a consumer that was given up is passed over.
        """
        deadline = time.monotonic() + seconds
        while (told := self._next(event, deadline))["event"] != event:
            if told["event"] == "lost" and event in ("sent", "ended"):
                raise NoNews(f"The consumer has hung up: {told['reason']}.")
        return told

    def _next(self, event: str, deadline: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        while b"\n" not in self._said:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._process.stdout], [], [], left)[0]:
                raise NoNews(f"No {event!r} in time.")
            more = self._process.stdout.read(1 << 16)
            if not more:
                raise NoNews("The generator has ended.")
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        return dict(json.loads(line))


@contextmanager
def feeding(recording: tuple[str, bool, str], pem: Path, tags: Sequence[str]) -> Iterator[Feed]:
    """A generator of a Mode.recording."""
    api, gzip, chunks = recording
    command = [
        sys.executable, "-m", "benchmarks.generator",
        f"--api={api}", f"--chunks={chunks}", f"--pem={pem}",
        *(["--gzip"] if gzip else []), *(f"--tag={tag}" for tag in tags),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=ROOT
    )
    try:
        yield Feed(process)
    finally:
        process.kill()
        process.wait()
