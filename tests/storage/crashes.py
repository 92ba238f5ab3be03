"""
Has something happen at a chosen moment of a piece of the client: it is killed, in a process of its
own, or somebody else does something to its files.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import tcclient

DISK_CALLS = {
    "open", "close", "write", "writev", "flush", "fsync", "fdatasync", "ftruncate", "truncate",
    "link", "unlink", "replace", "mkdir", "flock",
}  # fmt: skip
"""The system's functions by which the client changes what is on the disk."""

_CLIENT = str(Path(tcclient.__file__).parent)

Say = Callable[[int], None]
"""Tells the test that this post has been stored."""


class Life:
    """A process that has ended: the posts it had stored by then, and whether it was killed."""

    def __init__(self, stored: list[int], status: int) -> None:
        self.stored = stored
        self.killed = os.WIFSIGNALED(status)
        if not self.killed and os.WEXITSTATUS(status) != 0:
            raise AssertionError("The client failed in the other process; see standard error.")


def run_and_kill(nth: int, act: Callable[[Say], None]) -> Life:
    """
    Call `act` in a fork that gets SIGKILL when the client is about to make its `nth` (from 0)
    disk call; one that makes fewer ends by itself.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(nth, act, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        stored = [int(word) for word in pipe.read().split()]
    return Life(stored, os.waitpid(pid, 0)[1])


def _child(nth: int, act: Callable[[Say], None], writing: int) -> None:
    def say(post: int) -> None:
        os.write(writing, b"%d " % post)

    status = 1
    try:
        with at_disk_call(nth, lambda: os.kill(os.getpid(), signal.SIGKILL)):
            act(say)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)  # neither the tests' cleanups nor their log belong to this process


@contextmanager
def at_disk_call(nth: int, act: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """
    Have `act` called when the client is about to make its `nth` (from 0) disk call.  What is
    yielded says whether that has come.
    """
    calls = 0

    def count(frame: FrameType, event: str, function: object) -> None:
        nonlocal calls
        if event != "c_call" or getattr(function, "__name__", "") not in DISK_CALLS:
            return
        caller = frame.f_code.co_filename
        if caller.startswith(_CLIENT) or "pathlib" in caller:
            calls += 1
            if calls == nth + 1:
                act()

    sys.setprofile(count)
    try:
        yield lambda: calls > nth
    finally:
        sys.setprofile(None)
