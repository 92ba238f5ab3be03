"""Hundreds of captures: how what they do is spread over time."""

from typing import Any, cast

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tcclient.captures.paces import PACE, tell_spread


@attrs.define
class Teller:
    """Stands for a capture, and notes when it reports."""

    clock: Clock
    told: list[float] = attrs.field(factory=list)

    def tell(self) -> None:
        """Note the time."""
        self.told.append(self.clock.seconds())


class TellSpreadTests(SynchronousTestCase):
    """Reports within an interval of ten seconds."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.tellers = {id: Teller(self.clock) for id in range(100)}

    def tell(self, ids: range) -> Deferred[None]:
        captures = cast(Any, self.tellers)
        return Deferred.fromCoroutine(tell_spread(captures, list(ids), 10.0, self.clock))

    def test_few(self) -> None:
        """They report at once."""
        self.successResultOf(self.tell(range(PACE)))
        self.assertEqual([self.tellers[id].told for id in range(PACE)], [[0.0]] * PACE)

    def test_many(self) -> None:
        """Never more than PACE together, each once, and all before the interval is over."""
        telling = self.tell(range(100))
        self.clock.pump([0.01] * 1000)
        self.successResultOf(telling)
        times = [teller.told for teller in self.tellers.values()]
        self.assertEqual({len(told) for told in times}, {1})
        began = [told[0] for told in times]
        self.assertLessEqual(max(map(began.count, began)), PACE)
        self.assertGreater(max(began), 5)
        self.assertLess(max(began), 10)

    def test_one_that_is_gone_meanwhile(self) -> None:
        """It reports nothing."""
        telling = self.tell(range(4))
        del self.tellers[3]
        self.clock.advance(10)
        self.successResultOf(telling)

    def test_given_up(self) -> None:
        """As the process ends."""
        telling = self.tell(range(4))
        telling.cancel()
        self.failureResultOf(telling, CancelledError)
        self.assertEqual((self.clock.getDelayedCalls(), self.tellers[3].told), ([], []))
