"""
The state machine of a capture: what is open for a job, from the first wish to the last report.

    idle ------want-----> running ---drop---> closing --closed--> concluding --concluded--> done
      |                   ^  ^ ^                |  ^               |      ^
      |                   |  | |              want drop            |      |
      |                   |  | |                v  |               |      |
      |                   |  | +---closed--- reopening             |      |
      |                   |  +----------------want-----------------+      |
      +----drop---------------------------------------------------------+

`drop` in `concluding` tries again what the server did not take.  From each state `leave` leads to
`left`, where nothing has any effect: the process ends.  Knows no server and no
polling.
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
    """What happens to a capture."""

    def want(self) -> None:
        """The job is to be captured, as it was read last."""

    def drop(self) -> None:
        """The job is not to be captured any more."""

    def closed(self) -> None:
        """The session has ended: the last byte is on disk under its final name."""

    def concluded(self) -> None:
        """The server has been told everything."""

    def leave(self) -> None:
        """The process ends."""


@attrs.define
class Core:
    """
    What all states share; `job` is the last reading, `gone` means it is no longer ours.

    `conclusion` stands for the one that is under way.  It is over when the job is wanted again: a
    slow server may answer it after the next capture has begun.
    """

    job: Job
    session: Session
    conclude: Callable[[], object]
    done: Callable[[], object]
    gone: bool = False
    conclusion: object = None


def _build() -> Callable[[Core], Inputs]:
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
    # The answer to a write may be that the job is gone, when all has been said already.
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
"""From a Core to its Inputs."""
