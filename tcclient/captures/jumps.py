"""
What becomes of captures when the date jumps, as this machine's clock was set or it was asleep.

Knows who has to hear, and in which order; does not know what a gap is, nor when a stream is lost.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct
from twisted.internet.task import LoopingCall

from tcclient.captures.session import Session
from tcclient.ledger import bookings
from tcclient.runtime.wallclock import Slept
from tcclient.sources.source import Source
from tcclient.storage.folders import Note


class Jumps(Struct, frozen=True):
    """
    Tells the `source` and the sessions that there are then.  `note` writes into the ledger of what
    belongs to no capture; `loops` are what is done at intervals.
    """

    note: Note
    source: Source
    sessions: Callable[[], Sequence[Session]]
    loops: Sequence[LoopingCall]

    def stepped(self, seconds: float) -> None:
        """Note in each ledger that the machine's clock was set by `seconds`, negative for back."""
        self.note(bookings.ClockStep(seconds=round(seconds, 3)))
        for session in self.sessions():
            session.clock_stepped(seconds)

    def slept(self, sleep: Slept) -> None:
        """
        Note in each ledger that the machine slept, have connections end that were silent for too
        long, and have done at once what was due meanwhile.
        """
        self.note(bookings.Sleep(seconds=round(sleep.seconds, 3)))
        for session in self.sessions():
            session.slept(sleep)
        self.source.slept(sleep.seconds)
        for session in self.sessions():
            session.awoke()
        for loop in self.loops:
            if loop.call is not None:
                wait = loop.call.getTime() - loop.clock.seconds() - sleep.seconds
                loop.call.reset(max(0.0, wait))
