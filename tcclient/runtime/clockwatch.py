"""
Notices within half a second that the machine's clock has been set.

Knows the thread that this takes; does not know what follows from it, which `steady` does.
"""

import threading
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall

from tcclient.runtime.steady import Times

TICK = 0.5
"""Seconds between two looks."""


class ClockWatch(Service):
    """
    Has `times` look at the clocks, in two ways.  A clock that is set back freezes the reactor's
    timers, but not a thread's.  A clock that is set forward makes all timers due at once; that of
    this service is among the first, and the look puts off the rest.

    The reactor of `times` has to take calls from threads.  `stopService` returns when the thread
    has ended.
    """

    def __init__(self, times: Times) -> None:
        self._times = times
        self._reactor: Any = times.reactor
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._next: IDelayedCall | None = None

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]  # not annotated
        self._over.clear()
        self._thread = threading.Thread(target=self._wait, name="clock watch", daemon=True)
        self._thread.start()
        self._tick()

    def stopService(self) -> None:
        super().stopService()  # type: ignore[no-untyped-call]  # not annotated
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self._next is not None:
            self._next.cancel()
        self._thread = self._next = None

    def _tick(self) -> None:
        self._times.look()
        self._next = self._reactor.callLater(TICK, self._tick)

    def _wait(self) -> None:
        """Have the reactor look every TICK seconds; runs in the thread."""
        # Event.wait() goes by the monotonic clock, since Python 3.11.
        while not self._over.wait(TICK):
            self._reactor.callFromThread(self._times.look)
