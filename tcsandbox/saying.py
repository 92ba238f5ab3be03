"""Says where something listens, to a stdout that may take nothing.  Knows no command."""

import os
import sys

CLOSED = 141
"""The exit status that a shell gives a command whose output nobody reads: 128 + SIGPIPE."""


def say(text: str) -> None:
    """
    Print a text.  Raises SystemExit where that fails: CLOSED without a word if nobody reads it, or
    else with a sentence.
    """
    try:
        print(text, flush=True)
    except OSError as e:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())  # Python writes what waits when it ends
        os.close(null)
        closed = isinstance(e, BrokenPipeError)
        said = f"The output cannot be written: {e.strerror}."
        raise SystemExit(CLOSED if closed else said) from None
