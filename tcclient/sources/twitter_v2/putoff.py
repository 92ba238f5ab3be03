"""
The stream that X has refused while another one is read, and when it is asked for again.

Knows waits; opens and closes nothing.
"""

from collections.abc import Callable

from msgspec import structs
from twisted.internet.interfaces import IReactorTime

from tcclient.ledger.endings import Ending
from tcclient.runtime.backoff import Backoff, Trouble
from tcclient.runtime.timers import Timers
from tcclient.sources.twitter_v2.api import StreamQuery


class PutOff:
    """What was refused is the `query`, None if nothing was; `retry` is called when it `is_due`."""

    def __init__(self, clock: IReactorTime, retry: Callable[[], object]) -> None:
        self.query: StreamQuery | None = None
        self.is_due = False
        self._clock = clock
        self._timers = Timers(clock)
        self._retry = retry
        self._backoff = Backoff()
        self._wait = 0.0

    def refused(self, query: StreamQuery, ending: Ending, trouble: Trouble) -> Ending:
        """Note that X has refused the stream for `query`.  Return the ending, with its wait."""
        at_least = ending.refusal.at_least if ending.refusal else 0.0
        self._wait = self._backoff.failed(trouble, self._clock.seconds(), at_least)
        self.query, self.is_due = query, False
        self.wait()
        return structs.replace(ending, wait=self._wait)

    def wait(self) -> None:
        """Call `retry` when it is due, or due again, as it could not be asked for."""
        self._timers.start("retry", self._wait, self._ring)

    def forget(self) -> None:
        """Ask for it no more: something else is wanted, or it is to be the only stream."""
        self._timers.stop("retry")
        self.query, self.is_due, self._backoff = None, False, Backoff()

    def _ring(self) -> None:
        self.is_due = True
        self._retry()
