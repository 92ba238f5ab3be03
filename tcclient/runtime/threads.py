"""
What must not hold up the reactor, done in threads beside it.  Knows not what is done in them.
"""

from collections.abc import Callable
from threading import Thread
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

Result = TypeVar("Result")


class Threads(Protocol):
    """Does things that may take long."""

    def __call__(self, act: Callable[[], Result]) -> Deferred[Result]:
        """Do `act`.  Fires with what it returns, or fails with what it raises."""


def in_place(act: Callable[[], Result]) -> Deferred[Result]:
    """Do `act` here and now: the reactor waits.  Fires, or fails, at once."""
    return maybeDeferred(act)


def in_threads(reactor: IReactorFromThreads) -> Threads:
    """
    Return what does each act in a thread of its own.  These are daemons, not the reactor's own
    threads: one that waits for a disk or a name server that never answers does not keep the
    process from ending.
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
