"""Work that is done in threads, of which the reactor hears."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import attrs
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.threads import in_place, in_threads


@attrs.frozen
class CallsFromThreads:
    """What a reactor is for threads: each call is given to `take`."""

    take: Callable[[Callable[[], object]], object]

    def callFromThread(self, act: Callable[..., object], *arguments: object) -> None:
        """Give the call to `take`."""
        self.take(partial(act, *arguments))


class ThreadTests(SynchronousTestCase):
    def test_in_threads(self) -> None:
        """As the client does it; the threads are not the reactor's, which waits for its own."""
        calls: list[Callable[[], object]] = []
        threads = in_threads(cast(IReactorFromThreads, CallsFromThreads(calls.append)))
        before = set(threading.enumerate())
        done = threads(threading.current_thread)
        failed = threads(Path("/none").stat)
        for thread in set(threading.enumerate()) - before:
            thread.join()
        self.assertNoResult(done)
        for call in calls:
            call()
        thread = self.successResultOf(done)
        self.assertTrue(thread.daemon)
        self.failureResultOf(failed, OSError)

    def test_in_place(self) -> None:
        """The work has been done, or has failed, when the call returns."""
        self.assertIs(
            self.successResultOf(in_place(threading.current_thread)), threading.current_thread()
        )
        self.failureResultOf(in_place(Path("/none").stat), OSError)
