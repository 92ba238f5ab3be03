"""
The outputs of a command: their encoding, which a locale decides, and what is done when they take no
more, for a full disk or a reader that has gone, such as `head`.  Does not know what is written.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

CLOSED = 141
"""The exit status that a shell gives a command whose output nobody reads: 128 + SIGPIPE."""


class OutputFailed(Exception):
    """
    Raised in place of the OSError of stdout, which is no other file's.  str() says why;
    `is_closed`: nobody reads it any more.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.is_closed = isinstance(error, BrokenPipeError)


class CheckedOutput:
    """An output whose errors are OutputFailed; all else is the output's own."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, text: str) -> int:
        """Write a text.  Raises OutputFailed."""
        try:
            return self._output.write(text)
        except OSError as e:
            raise OutputFailed(e) from e

    def flush(self) -> None:
        """Have all that was written be there.  Raises OutputFailed."""
        try:
            self._output.flush()
        except OSError as e:
            raise OutputFailed(e) from e

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)


@contextmanager
def checked_output(command: str, cannot: int) -> Iterator[None]:
    """
    Check stdout while a command prints.  Raises SystemExit where that fails: CLOSED without a word
    if nobody reads it, else `cannot`, with a sentence on stderr.
    """
    write_anything()
    output = sys.stdout
    sys.stdout = cast(TextIO, CheckedOutput(output))
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OutputFailed as e:
        discard(output)
        if e.is_closed:
            raise SystemExit(CLOSED) from None
        print(f"{command}: The output cannot be written: {e}.", file=sys.stderr)
        raise SystemExit(cannot) from None
    finally:
        sys.stdout = output


def discard(output: TextIO) -> None:
    """Take what is printed from now on, and what waits in buffers, and keep nothing of it."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, output.fileno())
    os.close(null)


def write_anything() -> None:
    """
    Have stdout and stderr take each text: what their encoding lacks, or none has, is written
    escaped, since a line that cannot be written is lost, and ends a command.
    """
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="backslashreplace")
