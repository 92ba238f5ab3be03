"""Does in threads what must not hold up the reactor.  Does not know what that is."""

from collections.abc import Callable
from threading import Thread
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

Result = TypeVar("Result")


class Threads(Protocol):
    """Calls functions that may take long."""

    def __call__(self, act: Callable[[], Result]) -> Deferred[Result]:
        """Call `act`.  Fires with what it returns, or fails with what it raises."""


def in_place(act: Callable[[], Result]) -> Deferred[Result]:
    """Call `act` at once, while the reactor waits.  Fires with its result, or fails, at once."""
    return maybeDeferred(act)


def in_threads(reactor: IReactorFromThreads) -> Threads:
    """
    Return what calls each function in a thread of its own.  These are daemon threads, not those of
    the reactor's pool: a thread that waits for a disk or a name server that never answers must not
    keep the process from ending.
    """

    def in_thread(act: Callable[[], Result]) -> Deferred[Result]:
        done: Deferred[Result] = Deferred()

        def run() -> None:
            try:
                result = act()
            except BaseException:
                reactor.callFromThread(done.errback, Failure())
            else:
                reactor.callFromThread(done.callback, result)

        Thread(target=run, name="tcc", daemon=True).start()
        return done

    return in_thread
