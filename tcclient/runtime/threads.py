"""
What must not hold up the reactor, done beside it.  Knows threads; not what is done in them.
"""

from collections.abc import Callable
from threading import Thread
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

Result = TypeVar("Result")


class Aside(Protocol):
    """Something that has things done."""

    def __call__(self, act: Callable[[], Result]) -> Deferred[Result]:
        """Do `act`.  Fires with what it returns, or fails with what it raises."""


def in_place(act: Callable[[], Result]) -> Deferred[Result]:
    """Do it here and now: the reactor waits."""
    return maybeDeferred(act)


def in_threads(reactor: IReactorFromThreads) -> Aside:
    """
    Each act in a thread of its own.  They are daemons, not the reactor's own threads: one that
    waits for a disk that never answers does not keep the process from ending.
    """

    def aside(act: Callable[[], Result]) -> Deferred[Result]:
        done: Deferred[Result] = Deferred()

        def run() -> None:
            try:
                result = act()
            except BaseException:
                reactor.callFromThread(done.errback, Failure())
            else:
                reactor.callFromThread(done.callback, result)

        Thread(target=run, name="aside", daemon=True).start()
        return done

    return aside
