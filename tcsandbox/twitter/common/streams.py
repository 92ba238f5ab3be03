"""
The streams that are open: their pace, their end, and the faults that wait for them.

Knows neither how a stream comes to be open nor what it carries.
"""

from collections.abc import Callable
from random import Random

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from tcsandbox.twitter.common.faults import AnswerFault, StreamFault, Where
from tcsandbox.twitter.common.ids import Ids
from tcsandbox.twitter.common.journal import Journal
from tcsandbox.twitter.common.pace import Pace
from tcsandbox.twitter.common.stream import Stream

TICK = 0.025  # seconds between two handfuls of posts

log = Logger()


class Streams:
    """All open streams, of every API, and what they share."""

    def __init__(
        self, clock: IReactorTime, random: Random, journal: Journal | None, rate: float
    ) -> None:
        self.clock = clock
        self.random = random
        self.journal = journal
        self.ids = Ids()
        self.armed: list[AnswerFault | StreamFault] = []
        self._pace = Pace(rate)
        self._streams: list[Stream] = []
        self._sent_before = 0  # on streams that are gone
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = clock

    @property
    def rate(self) -> float:
        """Posts a second on each stream."""
        return self._pace.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._pace.rate = rate

    @property
    def sent(self) -> int:
        """How many posts were sent, on streams that are gone too."""
        return self._sent_before + sum(stream.sent for stream in self._streams)

    def open(self) -> list[Stream]:
        """Return the streams that have not been ended."""
        return [stream for stream in self._streams if not stream.wire.closed]

    def on_all(self, act: Callable[[Stream], object]) -> int:
        """Call `act` with every open stream; return their number."""
        streams = self.open()
        for stream in streams:
            act(stream)
        return len(streams)

    def answer_fault(self, where: Where) -> AnswerFault | None:
        """Use up and return the armed fault that strikes a request to `where`, or None."""
        armed = self._first(where)
        if isinstance(armed, AnswerFault):
            self.armed.remove(armed)
            return armed
        return None

    def add(self, stream: Stream, lost: Callable[[], object] = lambda: None) -> None:
        """Give a new `stream` its share of posts; call `lost` when its connection is gone."""
        stream.wire.when_lost().addCallback(lambda _: self._lost(stream, lost))
        stream.wire.register(stream)
        self._streams.append(stream)
        self._remark("opened", stream)
        if not self._ticker.running:
            self._pace.rest()
            self._ticker.start(TICK)

    def strike(self, stream: Stream) -> None:
        """Let the fault that waits for the next stream, if there is one, strike `stream`."""
        armed = self._first("stream")
        if isinstance(armed, StreamFault):
            self.armed.remove(armed)
            armed.strike(stream)

    def stop(self) -> None:
        """End all streams."""
        self.on_all(lambda stream: stream.wire.end())
        if self._ticker.running:
            self._ticker.stop()

    def _first(self, where: Where) -> AnswerFault | StreamFault | None:
        """Return the fault that has waited longest for a request to `where`."""
        for armed in self.armed:
            if where == (armed.where if isinstance(armed, AnswerFault) else "stream"):
                return armed
        return None

    def _lost(self, stream: Stream, lost: Callable[[], object]) -> None:
        self._streams.remove(stream)
        self._remark("closed", stream)
        self._sent_before += stream.sent
        log.info("Stream {n} ended: {sent} posts", n=stream.identity.number, sent=stream.sent)
        lost()
        if not self._streams and self._ticker.running:
            self._ticker.stop()

    def _remark(self, event: str, stream: Stream) -> None:
        """Write to the journal that a stream was opened, or that its connection is gone."""
        if self.journal is not None:
            self.journal.remark({"stream": event, "connection": stream.identity.number})

    def _tick(self) -> None:
        """Send every stream the posts that are due since the last tick."""
        due = self._pace.due(self.clock.seconds())
        try:
            self.on_all(lambda stream: stream.tick(due))
        except Exception:
            log.failure("A tick of the simulator failed; the next one comes.")
