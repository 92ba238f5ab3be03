"""The generator's process, from the other side of its pipes."""

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from benchmarks.certificate import write_certificate

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
        made = cls(folder / "certificate.pem", folder / "key.pem")
        write_certificate(made.public, made.pem)
        return made


class Feed:
    """What the generator has prepared, and where."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        listening = self._wait_for("listening", PREPARING)
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

    def expect(self) -> None:
        """The next one who asks for the stream gets it."""
        self._command("expect")

    def wait_for_connection(self, seconds: float = CONNECTING) -> None:
        self._wait_for("connected", seconds)

    def send(self, posts: int, rate: float = 0.0) -> None:
        """Begin to send so many, at `rate` a second, or flat out."""
        self._command(f"send {rate:g} {posts}")

    def sent(self, seconds: float) -> dict[str, Any]:
        """`posts`, when it `began` by the monotonic clock, and the `seconds` it took."""
        return self._wait_for("sent", seconds)

    def end(self, times: Path | None = None) -> None:
        """End the body, and write the moments of sending."""
        self._command(f"end {'-' if times is None else times}")
        self._wait_for("ended", CONNECTING)

    def _command(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")

    def _wait_for(self, event: str, seconds: float) -> dict[str, Any]:
        """What was told with `event`; raises NoNews after so many seconds, or on other news."""
        assert self._process.stdout is not None
        while select.select([self._process.stdout], [], [], seconds)[0]:
            line = self._process.stdout.readline()
            told = json.loads(line) if line else {"event": "the end of the generator"}
            if told["event"] == event:
                return dict(told)
            if told["event"] != "lost":
                raise NoNews(f"Not {event!r}, but {told!r}.")
            if event == "sent":
                raise NoNews(f"The consumer hung up: {told['reason']}.")
        raise NoNews(f"No {event!r} within {seconds:g} s.")


@contextmanager
def feeding(
    recording: tuple[str, bool, str], posts: int, pem: Path, tags: Sequence[str]
) -> Iterator[Feed]:
    """A generator that has prepared so many posts of a Mode.recording."""
    api, gzip, chunks = recording
    command = [
        sys.executable, "-m", "benchmarks.generator",
        f"--api={api}", f"--chunks={chunks}", f"--posts={posts}", f"--pem={pem}",
        *(["--gzip"] if gzip else []), *(f"--tag={tag}" for tag in tags),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        yield Feed(process)
    finally:
        process.kill()
        process.wait()
