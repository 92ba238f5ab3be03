"""
The state machine of keeping rules: when X is asked about them.

                       +--go_on--+
                       |         v
    idle --look, due--> asking <--go_on, rest, fail-- overtaken
     ^                 |  |  ^ |                       ^     |
     +---rest, fail----+  |  | +---------look----------+     |
                          |  |                               |
                         delay  due                          |
                          v  |                               |
                         patient <-----------delay-----------+

A pass of requests is under way in `asking`, and in `overtaken`, where more is to be looked after
when it is over.  `patient` waits for troubles that pass by themselves, which a change of what is
wanted does not shorten.  From each state `stop` leads to `stopped`, in which no input has any
effect; `give_up`, as a pass ends by an error of ours, leads to `idle`.

Knows when a pass is made and what is said of one that fails; does not know what it asks for.
"""

import math
from typing import Protocol

from automat import TypeMachineBuilder
from msgspec import Struct, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcclient.runtime.backoff import Backoff, Trouble
from tcclient.runtime.timers import Timers
from tcclient.runtime.unheeded import unheeded
from tcclient.sources.twitter_v2.rules.api import RuleError
from tcclient.sources.twitter_v2.rules.inventory import Inventory
from tcclient.sources.twitter_v2.rules.news import RuleNews
from tcclient.sources.twitter_v2.rules.update import PassOutcome, RuleUpdate, is_partial, is_short
from tcclient.sources.twitter_v2.rules.wanted import Demand

log = Logger()

LOOK_AGAIN = 900.0
"""Seconds after which the rules are read again: somebody may have deleted one of ours."""

_PASSING = frozenset({Trouble.NETWORK, Trouble.HTTP, Trouble.RATE_LIMIT})
"""Troubles that pass by themselves: a change of what is wanted does not shorten the wait."""


class KeepingInputs(Protocol):
    """What can happen while rules are kept.  Automat makes the class that implements this."""

    def look(self) -> None:
        """Called when the rules are to be brought up to date."""

    def due(self) -> None:
        """Called when a wait is over."""

    def go_on(self) -> None:
        """Called when a pass is over, and the next one has something to do at once."""

    def rest(self, seconds: float) -> None:
        """Called when a pass is over, and the next one has something to do in so many seconds."""

    def fail(self, error: RuleError) -> None:
        """Called when a pass has failed, which another change of what is wanted may mend."""

    def delay(self, error: RuleError) -> None:
        """Called when a pass has failed for a trouble that passes by itself."""

    def give_up(self, failure: Failure) -> None:
        """Called when a pass has ended by an error of ours, or was cancelled."""

    def stop(self) -> None:
        """Called when X is not to be asked any more."""


class KeepingCore(Struct):
    """
    What all states share.  `working` fires when the present pass is over; `timers` have the wait
    for the next one.  `said` is the failure that has been reported, and `why` the same with what X
    says of it, a clause; both are empty if all is well.
    """

    update: RuleUpdate
    demand: Demand
    inventory: Inventory
    news: RuleNews
    clock: IReactorTime
    timers: Timers
    backoff: Backoff = field(default_factory=Backoff)
    working: Deferred[None] | None = None
    said: str = ""
    why: str = ""

    def recovered(self) -> None:
        """Let the waits begin anew, and say that all is well if a failure had been reported."""
        self.backoff.proved()
        if self.said:
            log.info("The rules can be kept up to date again.")
        self.said = self.why = ""

    def failed(self, error: RuleError) -> float:
        """Return the seconds until the next try."""
        refusal = error.refusal
        wait = self.backoff.failed(refusal.trouble, self.clock.seconds(), refusal.at_least)
        return min(wait, max(1.0, self.update.until_replaced())) if is_short(error) else wait

    def report(self, error: RuleError, wait: float) -> None:
        """Report a failure if it is news; the next try is in `wait` seconds."""
        is_trusted = self.inventory.trust()
        if is_trusted:
            changes, now = self.demand.changes(self.inventory.rules), self.clock.seconds()
            self.inventory.supersede(changes, self.demand.values(), now, is_asked=False)
        explanation = error.refusal.explanation.rstrip(".")
        self.why = f"{error} ({explanation})" if explanation else str(error)
        if str(error) != self.said:
            said = f" The answer says: {explanation!r}." if explanation else ""
            log.warn(
                "The rules cannot be kept up to date: {error}.{advice}{said} Next try in "
                "{wait:g} s.",
                error=str(error),
                advice=error.refusal.advice and f" {error.refusal.advice}",
                said=said,
                wait=wait,
            )
            asking = {id for id in self.demand.by_job if self.demand.asks(id)}
            lacking = {id for id in asking if not self.inventory.of(id)}
            self.news.rules_failed(f"{error}.{said}", wait, lacking)
        if is_trusted:
            self.news.seen()
        self.said = str(error)


_builder = TypeMachineBuilder(KeepingInputs, KeepingCore)
IDLE = _builder.state("idle")
PATIENT = _builder.state("patient")
STOPPED = _builder.state("stopped")
ASKING = _builder.state("asking")
OVERTAKEN = _builder.state("overtaken")


def _ask(inputs: KeepingInputs, core: KeepingCore, *_: object, **__: object) -> None:
    """Begin a pass, however the last one ended; it gives the next input when it is over."""
    core.timers.stop("due")

    def passed(outcome: PassOutcome) -> None:
        if outcome.is_complete:
            core.recovered()
        if outcome.next_in <= 0:
            inputs.go_on()
        else:
            inputs.rest(outcome.next_in)

    def failed(failure: Failure) -> None:
        error = failure.value
        if not isinstance(error, RuleError):
            inputs.give_up(failure)
        elif error.refusal.trouble in _PASSING and not is_partial(error):
            inputs.delay(error)
        else:
            inputs.fail(error)

    passing = Deferred.fromCoroutine(core.update.make_pass())
    core.working = passing.addCallbacks(passed, failed)
    core.working.addErrback(_say_broken)


@ASKING.upon(KeepingInputs.rest).to(IDLE)
def _rest(inputs: KeepingInputs, core: KeepingCore, seconds: float) -> None:
    """Wait until there is something to do; look after the rules from time to time."""
    if math.isfinite(seconds):
        core.timers.start("due", seconds, inputs.due)
    elif core.demand.by_job:
        core.timers.start("due", LOOK_AGAIN, inputs.due)


@ASKING.upon(KeepingInputs.fail).to(IDLE)
@ASKING.upon(KeepingInputs.delay).to(PATIENT)
@OVERTAKEN.upon(KeepingInputs.delay).to(PATIENT)
def _try_later(inputs: KeepingInputs, core: KeepingCore, error: RuleError) -> None:
    """Plan the next try, and report the failure if it is news."""
    wait = core.failed(error)
    core.timers.start("due", wait, inputs.due)
    core.report(error, wait)


@ASKING.upon(KeepingInputs.give_up).to(IDLE)
@OVERTAKEN.upon(KeepingInputs.give_up).to(IDLE)
def _give_up(inputs: KeepingInputs, core: KeepingCore, failure: Failure) -> None:
    """Log what went wrong, and look after the rules later."""
    _say_broken(failure)
    _rest(inputs, core, math.inf)


def _stop(_: KeepingInputs, core: KeepingCore) -> None:
    core.timers.stop("due")
    if core.working is not None:
        core.working.cancel()


def _say_broken(failure: Failure) -> None:
    """Log a failure, unless it is that the request was cancelled."""
    if not failure.check(CancelledError):
        log.failure("The rules could not be kept up to date.", failure)


IDLE.upon(KeepingInputs.look).to(ASKING)(_ask)
IDLE.upon(KeepingInputs.due).to(ASKING)(_ask)
PATIENT.upon(KeepingInputs.due).to(ASKING)(_ask)
ASKING.upon(KeepingInputs.go_on).loop()(_ask)
OVERTAKEN.upon(KeepingInputs.go_on).to(ASKING)(_ask)
PATIENT.upon(KeepingInputs.look).loop()(unheeded)
ASKING.upon(KeepingInputs.look).to(OVERTAKEN)(unheeded)
OVERTAKEN.upon(KeepingInputs.look).loop()(unheeded)
OVERTAKEN.upon(KeepingInputs.rest).to(ASKING)(_ask)
OVERTAKEN.upon(KeepingInputs.fail).to(ASKING)(_ask)
for _state in (IDLE, PATIENT, ASKING, OVERTAKEN, STOPPED):
    _state.upon(KeepingInputs.stop).to(STOPPED)(_stop)
for _unheeded in (KeepingInputs.look, KeepingInputs.due, KeepingInputs.go_on):
    STOPPED.upon(_unheeded).loop()(unheeded)
for _outcome in (KeepingInputs.rest, KeepingInputs.fail, KeepingInputs.delay):
    STOPPED.upon(_outcome).loop()(unheeded)
STOPPED.upon(KeepingInputs.give_up).loop()(lambda _, __, failure: _say_broken(failure))

machine = _builder.build()
"""Returns the inputs of a new machine, in the state `idle`, for a KeepingCore."""
