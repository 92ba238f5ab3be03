"""Does in threads what must not hold up the reactor.  Does not know what that is."""

from collections.abc import Callable
from functools import partial
from math import inf
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

Result = TypeVar("Result")

IDLE = 10.0
"""Seconds that a thread waits for the next call: longer than between two syncs of a capture."""


BRIEF = 0.005
"""Seconds that the reactor waits for a write: a megabyte takes a tenth, into the page cache."""


class Threads(Protocol):
    """Calls functions that may take long."""

    def __call__(self, act: Callable[[], Result]) -> Deferred[Result]:
        """Call `act`.  Fires with what it returns, or fails with what it raises."""


def in_place(act: Callable[[], Result]) -> Deferred[Result]:
    """Call `act` at once, while the reactor waits.  Fires with its result, or fails, at once."""
    return maybeDeferred(act)


def in_threads(reactor: IReactorFromThreads, patience: float = 0.0) -> Threads:
    """
    Return what calls each function in a thread, beside all others that are under way, however many.
    A thread that is done waits IDLE seconds for the next call, since to begin one holds the reactor
    up until the system runs it.  These are daemon threads, not those of the reactor's pool: one
    that waits for a disk or a name server that never answers must not keep the process from ending.

    The reactor waits up to `patience` seconds for each call, which has fired if it ends by then: it
    takes longer to wake the reactor, and to share the interpreter with it, than to write a little.
    After a call that takes longer it waits for none until one has ended as soon as that again: with
    hundreds of captures on a slow disk nothing else would have its turn.
    """
    idle: dict[_Worker, None] = {}
    pace = _Pace(patience)

    def in_thread(act: Callable[[], Result]) -> Deferred[Result]:
        seconds = pace.seconds
        call = _Call(act, reactor, pace, is_waited_for=seconds > 0)
        try:
            worker, _ = idle.popitem()  # the one that has waited for the shortest time
        except KeyError:
            worker = _Worker(idle)
            worker.start()
        worker.calls.put(call.make)
        if seconds > 0:
            call.wait(seconds)
        return call.done

    return in_thread


class _Pace:
    """How long the reactor waits for the next call, by how long the last one took."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._last = 0.0

    @property
    def seconds(self) -> float:
        """Seconds to wait; 0.0 for not at all."""
        return self._patience if self._last <= self._patience else 0.0

    def took(self, seconds: float) -> None:
        """Note how long a call took, or that it has not ended by then."""
        self._last = seconds


class _Call(Generic[Result]):
    """
    A call that a thread makes, and for whose end somebody may wait a while.  `done` fires when it
    ends within that, and otherwise when the reactor hears of it.
    """

    def __init__(
        self,
        act: Callable[[], Result],
        reactor: IReactorFromThreads,
        pace: _Pace,
        *,
        is_waited_for: bool,
    ) -> None:
        self._act = act
        self._reactor = reactor
        self._pace = pace
        self._first, self._ended = Lock(), Lock()
        self._ended.acquire()
        self.done: Deferred[Result] = Deferred()
        if not is_waited_for:
            self._comes_first()

    def make(self) -> Callable[[], None]:
        """Make the call, in a thread.  Return what tells of its end."""
        begin = monotonic()
        try:
            self._fire = partial(self.done.callback, self._act())
        except BaseException:
            self._fire = partial(self.done.errback, Failure())
        self._pace.took(monotonic() - begin)
        return self._tell

    def wait(self, seconds: float) -> None:
        """Wait for so many seconds, and fire if the call has ended by then."""
        if self._ended.acquire(timeout=seconds) or not self._comes_first():
            self._fire()
        else:
            self._pace.took(inf)

    def _tell(self) -> None:
        if self._comes_first():
            self._ended.release()
        else:
            self._reactor.callFromThread(self._fire)

    def _comes_first(self) -> bool:
        """Return whether this comes first of two: the end of the call, and that of the wait."""
        return self._first.acquire(blocking=False)


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
