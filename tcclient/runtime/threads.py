"""Does in threads what must not hold up the reactor.  Does not know what that is."""

from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

Result = TypeVar("Result")

IDLE = 10.0
"""Seconds that a thread waits for the next call: longer than between two syncs of a capture."""


class Threads(Protocol):
    """Calls functions that may take long."""

    def __call__(self, act: Callable[[], Result]) -> Deferred[Result]:
        """Call `act`.  Fires with what it returns, or fails with what it raises."""


def in_place(act: Callable[[], Result]) -> Deferred[Result]:
    """Call `act` at once, while the reactor waits.  Fires with its result, or fails, at once."""
    return maybeDeferred(act)


def in_threads(reactor: IReactorFromThreads) -> Threads:
    """
    Return what calls each function in a thread, beside all others that are under way, however many.
    A thread that is done waits IDLE seconds for the next call, since to begin one holds the reactor
    up until the system runs it.  These are daemon threads, not those of the reactor's pool: one
    that waits for a disk or a name server that never answers must not keep the process from ending.
    """
    idle: dict[_Worker, None] = {}

    def in_thread(act: Callable[[], Result]) -> Deferred[Result]:
        done: Deferred[Result] = Deferred()

        def run() -> Callable[[], None]:
            try:
                result = act()
            except BaseException:
                return partial(reactor.callFromThread, done.errback, Failure())
            return partial(reactor.callFromThread, done.callback, result)

        try:
            worker, _ = idle.popitem()  # the one that has waited for the shortest time
        except KeyError:
            worker = _Worker(idle)
            worker.start()
        worker.calls.put(run)
        return done

    return in_thread


class _Worker(Thread):
    """
    A thread that makes calls one after the other, and after each the one that this returns, which
    tells of it.  It is among `idle` by then, as whoever hears of it may have the next one.
    """

    def __init__(self, idle: "dict[_Worker, None]") -> None:
        super().__init__(name="tcc", daemon=True)
        self.calls: SimpleQueue[Callable[[], Callable[[], None]]] = SimpleQueue()
        self._idle = idle

    def run(self) -> None:
        """Make calls until none comes for IDLE seconds."""
        call = self.calls.get()
        while True:
            tell = call()
            self._idle[self] = None
            tell()
            del call, tell  # they hold what it was about
            try:
                call = self.calls.get(timeout=IDLE)
            except Empty:
                if self._idle.pop(self, self) is None:
                    return
                call = self.calls.get()  # it has just been chosen
