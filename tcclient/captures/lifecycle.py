"""
The state machine of a capture, from the time that its job is wanted to the last report about it.

    idle ------want-----> running ---drop---> closing --closed--> concluding --concluded--> done
      |                   ^  ^ ^                |  ^               |      ^
      |                   |  | |              want drop            |      |
      |                   |  | |                v  |               |      |
      |                   |  | +---closed--- reopening             |      |
      |                   |  +----------------want-----------------+      |
      +----drop---------------------------------------------------------+

`drop` in `concluding` tries again what the server did not take.  From each state `leave` leads to
`left`, in which no input has any effect, because the process ends.  Knows in which order a capture
is run, closed and concluded; does not know what the server is told, nor when it is asked.
"""

from collections.abc import Callable
from typing import Protocol

import attrs
from automat import TypeMachineBuilder
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcclient.captures.session import Session
from tcclient.control.jobs import Job

log = Logger()


class Inputs(Protocol):
    """What can happen to a capture.  Automat makes the class that implements this."""

    def want(self) -> None:
        """Called when the job is to be captured, as it was read last."""

    def drop(self) -> None:
        """Called when the job is not to be captured, or not any more."""

    def closed(self) -> None:
        """Called when the session has ended: the last byte is in a file with its final name."""

    def concluded(self) -> None:
        """Called when the server has been told everything."""

    def leave(self) -> None:
        """Called when the process ends."""


@attrs.define
class Core:
    """
    What all states share.  `job` is the newest reading of the job; `gone` says that it is archived,
    deleted or another client's.  `conclude` begins the last report; `done` is called after it.

    `conclusion` stands for the last report that is under way, None if none is.  It is given up when
    the job is wanted again: a slow server may answer it after the next capture has begun.
    """

    job: Job
    session: Session
    conclude: Callable[[], object]
    done: Callable[[], object]
    gone: bool = False
    conclusion: object = None


def _build() -> Callable[[Core], Inputs]:
    """Return the machine, with the states and transitions that are drawn above."""
    builder = TypeMachineBuilder(Inputs, Core)
    idle = builder.state("idle")
    running = builder.state("running")
    closing = builder.state("closing")
    reopening = builder.state("reopening")
    concluding = builder.state("concluding")
    done = builder.state("done")
    left = builder.state("left")

    closing.upon(Inputs.drop).loop().returns(None)
    closing.upon(Inputs.want).to(reopening).returns(None)
    reopening.upon(Inputs.want).loop().returns(None)
    reopening.upon(Inputs.drop).to(closing).returns(None)
    # A write may be answered that the job is gone when the server has been told everything.
    done.upon(Inputs.drop).loop().returns(None)
    for state in (idle, running, closing, reopening, concluding, done, left):
        state.upon(Inputs.leave).to(left).returns(None)
    for happens in (Inputs.want, Inputs.drop, Inputs.closed, Inputs.concluded):
        left.upon(happens).loop().returns(None)

    @idle.upon(Inputs.want).to(running)
    @running.upon(Inputs.want).loop()
    @reopening.upon(Inputs.closed).to(running)
    @concluding.upon(Inputs.want).to(running)
    def run(inputs: Inputs, core: Core) -> None:
        core.conclusion = None
        core.session.run(core.job)

    @running.upon(Inputs.drop).to(closing)
    def close(inputs: Inputs, core: Core) -> None:
        halted = Deferred.fromCoroutine(core.session.halt("withdrawn" if core.gone else "stopped"))
        halted.addErrback(lambda failure: log.failure("A capture did not end well.", failure))
        halted.addCallback(lambda _: inputs.closed())

    @closing.upon(Inputs.closed).to(concluding)
    @idle.upon(Inputs.drop).to(concluding)
    @concluding.upon(Inputs.drop).loop()
    def conclude(inputs: Inputs, core: Core) -> None:
        core.conclude()

    @concluding.upon(Inputs.concluded).to(done)
    def retire(inputs: Inputs, core: Core) -> None:
        core.session.retire()
        core.done()

    return builder.build()


machine = _build()
"""Returns the inputs of a new machine, in the state `idle`, for a Core."""
