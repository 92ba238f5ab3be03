"""
How the storing of a capture's posts ends: closed when all is in files, or given up as the process
ends.

           close            closed
    open --------> closing --------> over
      |               |               ^ ^
      | give_up       +----give_up----+ |
      v                                 |
    given up -----------close-----------+

Knows when it is given up; does not know what is to be done for either.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from automat import TypeMachineBuilder
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.runtime.timers import Timers
from tcclient.runtime.unheeded import unheeded

log = Logger()

LAST_TRY = 3.0
"""
Seconds after the last post that a disk took in which it has to take the next, when the process
ends; the next start finishes what is left.
"""


class ArchiveEndInputs(Protocol):
    """What can happen to the end.  Automat makes the class that implements this."""

    def close(self) -> None:
        """Called when all is to be finished."""

    def closed(self) -> None:
        """Called when all is."""

    def give_up(self) -> None:
        """Called when the process does not wait for that any more."""


class ArchiveEnd:
    """
    The end of one archive: `close` finishes everything, and `forget` gives it up.  `release` and
    `let_go` are called once either has been done and the archive was to be closed.
    """

    def __init__(
        self,
        clock: IReactorTime,
        close: Callable[[], Coroutine[Any, Any, None]],
        forget: Callable[[], object],
        release: Callable[[], object],
    ) -> None:
        self._clock = clock
        self._timers = Timers(clock)
        self._close = close
        self._forget = forget
        self._release = release
        self._over: Deferred[None] = Deferred()
        self._inputs = machine(self)
        self.let_go: Callable[[], object] = lambda: None

    def close(self) -> Deferred[None]:
        """Close the archive, once.  Fires when it is closed, or has been given up."""
        self._inputs.close()
        return self._over

    def give_up(self) -> None:
        """Give up what is in no file yet."""
        self._inputs.give_up()

    def leave(self, taken: Callable[[], float]) -> None:
        """
        Give up LAST_TRY seconds after the disk has taken something, from now on, unless all is
        finished by then; `taken` returns when that was last.
        """
        since = self._clock.seconds()

        def look() -> None:
            left = max(since, taken()) + LAST_TRY - self._clock.seconds()
            if left > 0:
                self._timers.start("look", left, look)
            else:
                self.give_up()

        look()


_builder = TypeMachineBuilder(ArchiveEndInputs, ArchiveEnd)
OPEN = _builder.state("open")
CLOSING = _builder.state("closing")
GIVEN_UP = _builder.state("given up")
OVER = _builder.state("over")


@OPEN.upon(ArchiveEndInputs.close).to(CLOSING)
def _begin(inputs: ArchiveEndInputs, ending: ArchiveEnd) -> None:
    closing = Deferred.fromCoroutine(ending._close())
    closing.addErrback(lambda failure: log.failure("A capture cannot be closed.", failure))
    closing.addCallback(lambda _: inputs.closed())


@OPEN.upon(ArchiveEndInputs.give_up).to(GIVEN_UP)
def _give_up(inputs: ArchiveEndInputs, ending: ArchiveEnd) -> None:
    ending._timers.stop("look")
    ending._forget()


@CLOSING.upon(ArchiveEndInputs.closed).to(OVER)
@GIVEN_UP.upon(ArchiveEndInputs.close).to(OVER)
def _end(inputs: ArchiveEndInputs, ending: ArchiveEnd) -> None:
    ending._timers.stop("look")
    ending._release()
    ending.let_go()
    ending._over.callback(None)


@CLOSING.upon(ArchiveEndInputs.give_up).to(OVER)
def _give_up_and_end(inputs: ArchiveEndInputs, ending: ArchiveEnd) -> None:
    ending._forget()
    _end(inputs, ending)


CLOSING.upon(ArchiveEndInputs.close).loop()(unheeded)
for _state in (GIVEN_UP, OVER):
    _state.upon(ArchiveEndInputs.give_up).loop()(unheeded)
    _state.upon(ArchiveEndInputs.closed).loop()(unheeded)
OVER.upon(ArchiveEndInputs.close).loop()(unheeded)

machine = _builder.build()
"""Returns the inputs of a new machine, in the state `open`, for an ArchiveEnd."""
