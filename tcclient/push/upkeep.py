"""
The state machine of a channel that is kept up while that can be.

            polled            welcomed
    unasked -------> trying ------------> up
                     ^    |               |
                 due |    | ended         | ended
                     |    v               |
                     waiting <------------+
                     ^
                     | polled
                     barred <-- refused -- trying, up

    trying, up ---- stop ---> leaving ---- ended ---> left
    the others ---- stop ---> left

Knows when there is to be a connection, and what the log is told; does not know what is said there.
"""

from collections.abc import Callable
from typing import Protocol

from automat import TypeMachineBuilder
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from tcclient.push.retrying import LASTING, ChannelEnding, Retries
from tcclient.runtime.timers import Timers
from tcclient.runtime.unheeded import unheeded

log = Logger()


class UpkeepInputs(Protocol):
    """What can happen to the channel.  Automat makes the class that implements this."""

    def polled(self) -> None:
        """Called when the server has answered by REST, and may have a channel."""

    def due(self) -> None:
        """Called when the next attempt is due."""

    def welcomed(self) -> None:
        """Called when both ends have greeted each other."""

    def ended(self, ending: ChannelEnding) -> None:
        """Called when an attempt has failed or a connection has ended: once for each connect()."""

    def refused(self, ending: ChannelEnding) -> None:
        """Called instead where nothing but a good token helps."""

    def stop(self) -> None:
        """Called when the client ends."""


class Upkeep:
    """
    Keeps a channel up: `connect` begins an attempt, and `close` ends it or the connection.
    `has_left` fires when there is none any more after a stop.
    """

    def __init__(
        self,
        clock: IReactorTime,
        retries: Retries,
        connect: Callable[[], object],
        close: Callable[[], object],
    ) -> None:
        self.retries = retries
        self._connect = connect
        self._close = close
        self.has_left: Deferred[None] = Deferred()
        self._said, self._wait = "", 0.0
        self._timers = Timers(clock)
        self.inputs = machine(self)

    def ended(self, ending: ChannelEnding) -> None:
        """Take how an attempt or a connection has ended."""
        (self.inputs.refused if ending.is_refusal else self.inputs.ended)(ending)

    def _take(self, ending: ChannelEnding) -> float:
        """Say how it has ended, and return the seconds until the next attempt."""
        self._timers.stop("lasts")
        self._say(ending)
        return self.retries.wait(ending)

    def _say(self, ending: ChannelEnding) -> None:
        """Log how an attempt has ended, unless one did so before, and none has lasted since."""
        if ending.reason == self._said:
            return
        self._said = ending.reason
        say = log.warn if ending.needs_somebody else log.info
        say(
            "There is no real-time channel to the capture server: {reason}. All goes by REST; "
            "{when}.",
            reason=ending.reason,
            when="it is tried again " + ("in a day" if ending.is_absence else "soon"),
        )

    def _lasts(self) -> None:
        self._said = ""
        log.info("The real-time channel to the capture server is open.")


_builder = TypeMachineBuilder(UpkeepInputs, Upkeep)
UNASKED = _builder.state("unasked")
TRYING = _builder.state("trying")
UP = _builder.state("up")
WAITING = _builder.state("waiting")
BARRED = _builder.state("barred")
LEAVING = _builder.state("leaving")
LEFT = _builder.state("left")


@UNASKED.upon(UpkeepInputs.polled).to(TRYING)
@WAITING.upon(UpkeepInputs.due).to(TRYING)
def _try(_: UpkeepInputs, core: Upkeep) -> None:
    core._connect()


@TRYING.upon(UpkeepInputs.welcomed).to(UP)
def _welcomed(_: UpkeepInputs, core: Upkeep) -> None:
    core._timers.start("lasts", LASTING, core._lasts)


@TRYING.upon(UpkeepInputs.ended).to(WAITING)
@UP.upon(UpkeepInputs.ended).to(WAITING)
def _wait(inputs: UpkeepInputs, core: Upkeep, ending: ChannelEnding) -> None:
    core._timers.start("due", core._take(ending), inputs.due)


@TRYING.upon(UpkeepInputs.refused).to(BARRED)
@UP.upon(UpkeepInputs.refused).to(BARRED)
def _bar(_: UpkeepInputs, core: Upkeep, ending: ChannelEnding) -> None:
    core._wait = core._take(ending)


@BARRED.upon(UpkeepInputs.polled).to(WAITING)
def _wait_after_all(inputs: UpkeepInputs, core: Upkeep) -> None:
    core._timers.start("due", core._wait, inputs.due)


@TRYING.upon(UpkeepInputs.stop).to(LEAVING)
@UP.upon(UpkeepInputs.stop).to(LEAVING)
def _leave(_: UpkeepInputs, core: Upkeep) -> None:
    core._timers.stop("lasts")
    core._close()


@UNASKED.upon(UpkeepInputs.stop).to(LEFT)
@WAITING.upon(UpkeepInputs.stop).to(LEFT)
@BARRED.upon(UpkeepInputs.stop).to(LEFT)
def _left(_: UpkeepInputs, core: Upkeep) -> None:
    core._timers.stop("due")
    core.has_left.callback(None)


@LEAVING.upon(UpkeepInputs.ended).to(LEFT)
@LEAVING.upon(UpkeepInputs.refused).to(LEFT)
def _gone(_: UpkeepInputs, core: Upkeep, ending: ChannelEnding) -> None:
    core.has_left.callback(None)


for _state in (TRYING, UP, WAITING, LEAVING, LEFT):
    _state.upon(UpkeepInputs.polled).loop()(unheeded)
for _state in (LEAVING, LEFT):
    _state.upon(UpkeepInputs.stop).loop()(unheeded)
# A welcome that comes while the socket is being closed.
LEAVING.upon(UpkeepInputs.welcomed).loop()(unheeded)

machine = _builder.build()
"""Returns the inputs of a new machine, in the state `unasked`, for an Upkeep."""
