"""The clock of the simulated other ends, which are other machines than the client's."""

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer


@implementer(IReactorTime)
@attrs.frozen
class FarClock:
    """
    Shows the date, in epoch seconds, that `wall` returns, as the clocks of servers do; its timers
    are those of `reactor`, whose own clock may count from whenever it likes.
    """

    _reactor: IReactorTime
    _wall: Callable[[], float]

    def seconds(self) -> float:
        """Return the date."""
        return self._wall()

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> IDelayedCall:
        """Have the reactor call `callable` in `delay` seconds."""
        return self._reactor.callLater(delay, callable, *args, **kwargs)

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """Return the calls that wait in the reactor."""
        return self._reactor.getDelayedCalls()
