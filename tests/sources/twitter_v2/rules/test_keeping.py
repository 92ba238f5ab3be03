"""Behaviour of the states of keeping rules: when the next pass of requests is made."""

from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.backoff import Refusal, Trouble
from tcclient.runtime.timers import Timers
from tcclient.sources.twitter_v2.rules.api import RuleError
from tcclient.sources.twitter_v2.rules.inventory import Inventory
from tcclient.sources.twitter_v2.rules.keeping import LOOK_AGAIN, KeepingCore, machine
from tcclient.sources.twitter_v2.rules.update import PassOutcome
from tcclient.sources.twitter_v2.rules.wanted import Demand, RulePolicy
from tests.sources.twitter_v2.xrules import OURS

DONE = PassOutcome(is_complete=True, next_in=float("inf"))


class Passes:
    """Passes of requests that the test ends."""

    def __init__(self) -> None:
        self.begun: list[Deferred[PassOutcome]] = []

    async def make_pass(self) -> PassOutcome:
        """Begin one."""
        self.begun.append(Deferred())
        return await self.begun[-1]

    def until_replaced(self) -> float:
        """No rule waits to be deleted."""
        return float("inf")


class Silence:
    """A listener that keeps nothing."""

    def __getattr__(self, _: str) -> Any:
        return lambda *_: None


def error(trouble: Trouble) -> RuleError:
    """X cannot be asked, or refuses."""
    return RuleError("no", Refusal(trouble, "Wait."))


class KeepingTests(SynchronousTestCase):
    """A job wants something, and X has been asked once."""

    def setUp(self) -> None:
        self.clock, self.passes = Clock(), Passes()
        policy = RulePolicy(OURS, 1024, 5.0)
        demand = Demand(policy)
        demand.want(1, [])
        inventory = Inventory(OURS, 5.0, 0.0)
        passes, news = cast(Any, self.passes), cast(Any, Silence())
        timers = Timers(self.clock)
        core = KeepingCore(passes, demand, inventory, news, self.clock, timers)
        self.keeping = machine(core)
        self.keeping.look()

    def ends(self, result: PassOutcome | Exception) -> None:
        """The present pass ends."""
        if isinstance(result, Exception):
            self.passes.begun[-1].errback(Failure(result))
        else:
            self.passes.begun[-1].callback(result)

    def begun(self) -> int:
        """How many passes have begun."""
        return len(self.passes.begun)

    def test_looked_after_from_time_to_time(self) -> None:
        """A pass that leaves nothing to do is followed by another after LOOK_AGAIN seconds."""
        self.ends(DONE)
        self.clock.advance(LOOK_AGAIN - 1)
        self.assertEqual(self.begun(), 1)
        self.clock.advance(1)
        self.assertEqual(self.begun(), 2)

    def test_when_there_is_something_to_do(self) -> None:
        """At once, or when it is due."""
        self.ends(PassOutcome(is_complete=False, next_in=0.0))
        self.assertEqual(self.begun(), 2)
        self.ends(PassOutcome(is_complete=True, next_in=3.0))
        self.clock.advance(3)
        self.assertEqual(self.begun(), 3)

    def test_a_change_during_a_pass(self) -> None:
        """One more pass follows, however many changes there were, and whether or not it failed."""
        for result in (DONE, error(Trouble.QUERY_REFUSED)):
            before = self.begun()
            self.keeping.look()
            self.keeping.look()
            self.assertEqual(self.begun(), before)
            self.ends(result)
            self.assertEqual(self.begun(), before + 1)

    def test_a_change_after_a_refusal(self) -> None:
        """It may mend that, so X is asked at once."""
        self.ends(error(Trouble.QUERY_REFUSED))
        self.keeping.look()
        self.assertEqual(self.begun(), 2)

    def test_a_change_does_not_shorten_the_wait_for_what_passes_by_itself(self) -> None:
        """Neither one that comes during the wait nor one that came during the pass."""
        self.keeping.look()
        self.ends(error(Trouble.NETWORK))
        self.keeping.look()
        self.assertEqual(self.begun(), 1)
        self.clock.advance(60)
        self.assertEqual(self.begun(), 2)

    def test_an_error_of_ours(self) -> None:
        """It is logged, and does not end the keeping."""
        self.ends(ValueError("ours"))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.keeping.look()
        self.assertEqual(self.begun(), 2)

    def test_stopped(self) -> None:
        """The pass is cancelled without a word, nothing waits, and nobody asks any more."""
        self.keeping.look()
        self.keeping.stop()
        self.keeping.look()
        self.assertEqual((self.begun(), self.clock.getDelayedCalls()), (1, []))
        self.keeping.stop()
