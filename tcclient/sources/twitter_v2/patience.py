"""
The state machine of the patience with a capture that cannot take posts: how long the stream that
all share is not read for its sake.

            pause                over
    well ---------> awaited ------------> overtaken
     ^  <-resume-----+                      |
     +----------------resume----------------+

In `awaited` nothing is read, so that all its posts wait, with X or on the way.  In `overtaken` the
others are read for: its posts wait here, as far as there is room for them.

Knows times; does not know who shares the stream.
"""

from collections.abc import Callable
from typing import Protocol

from automat import TypeMachineBuilder
from twisted.internet.interfaces import IDelayedCall, IReactorTime

MOST_AWAITED = 10.0
"""
Seconds for which the stream is not read for one capture.  A disk that is slow, or away for a
moment, takes less; and what X sends in so long, 2,500 posts at its limit of 250 a second, finds
room on the way here, so that X does not close the connection for a slow reader.
"""
REFILL = 0.1
"""
How much of that time a capture gets back for each second in which it takes posts: one whose disk
comes and goes holds up the others for a tenth of the time at most.
"""


class PatienceInputs(Protocol):
    """What can happen to the patience.  Automat makes the class that implements this."""

    def pause(self) -> None:
        """Called when the capture cannot take posts."""

    def resume(self) -> None:
        """Called when it can again, and has taken what waited."""

    def over(self) -> None:
        """Called when it has been awaited for as long as it may be."""


class Patience:
    """
    The patience with one capture; `changed` is called when it is over.  `is_awaited` and
    `is_overtaken` say in which state it is, for whoever decides for all captures.
    """

    def __init__(self, clock: IReactorTime, changed: Callable[[], object]) -> None:
        self._clock = clock
        self._changed = changed
        self.is_awaited = self.is_overtaken = False
        self._left, self._since = MOST_AWAITED, clock.seconds()
        self._timer: IDelayedCall | None = None
        self.inputs = machine(self)

    @property
    def is_well(self) -> bool:
        """Whether the capture takes posts."""
        return not (self.is_awaited or self.is_overtaken)

    def _lasted(self) -> float:
        """Return how long the last state has lasted, and begin to measure the next one."""
        before, self._since = self._since, self._clock.seconds()
        return self._since - before


_builder = TypeMachineBuilder(PatienceInputs, Patience)
WELL = _builder.state("well")
AWAITED = _builder.state("awaited")
OVERTAKEN = _builder.state("overtaken")


@WELL.upon(PatienceInputs.pause).to(AWAITED)
def _await(inputs: PatienceInputs, core: Patience) -> None:
    core.is_awaited = True
    core._left = min(MOST_AWAITED, core._left + REFILL * core._lasted())
    core._timer = core._clock.callLater(core._left, inputs.over)


@AWAITED.upon(PatienceInputs.resume).to(WELL)
def _go_on(_: PatienceInputs, core: Patience) -> None:
    core.is_awaited = False
    core._left = max(0.0, core._left - core._lasted())
    if core._timer is not None:
        core._timer.cancel()


@AWAITED.upon(PatienceInputs.over).to(OVERTAKEN)
def _overtake(_: PatienceInputs, core: Patience) -> None:
    core.is_awaited, core.is_overtaken = False, True
    core._left = 0.0
    core._changed()


@OVERTAKEN.upon(PatienceInputs.resume).to(WELL)
def _recover(_: PatienceInputs, core: Patience) -> None:
    core.is_overtaken = False
    core._lasted()


for _state in (AWAITED, OVERTAKEN):
    _state.upon(PatienceInputs.pause).loop().returns(None)
WELL.upon(PatienceInputs.resume).loop().returns(None)
for _state in (WELL, OVERTAKEN):
    _state.upon(PatienceInputs.over).loop().returns(None)

machine = _builder.build()
"""Returns the inputs of a new machine, in the state `well`, for a Patience."""
