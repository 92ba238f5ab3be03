"""The streams asked for and open: their pace, their end, and the faults that wait for them."""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import TypeAlias

import attrs
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.web.server import Request

from tcsandbox.twitter.common.asking import SimulatorRequest, read_request
from tcsandbox.twitter.common.faults import AnswerFault, StreamFault, Where
from tcsandbox.twitter.common.ids import Ids
from tcsandbox.twitter.common.journal import Journal
from tcsandbox.twitter.common.oauth import SANDBOX_CREDENTIALS, Credentials
from tcsandbox.twitter.common.stream import Attempt, Stream

TICK = 0.025  # seconds between two handfuls of posts
LONGEST_GAP = 1.0  # seconds made up for after the process or its clock stood still
REMEMBERED = 10_000  # connects

log = Logger()


@attrs.define
class StreamSettings:
    """
    How the simulator behaves on both APIs.

    `rate` is in posts a second on each stream, 0 for none; `scale` multiplies all of Twitter's
    timers; `gzip` allows compressed bodies; a slow reader is cut off once it is owed `backlog`
    posts; `accounts` are those whose keys are accepted.
    """

    rate: float = 0.0
    scale: float = 1.0
    gzip: bool = True
    backlog: int = 10_000
    accounts: tuple[Credentials, ...] = (SANDBOX_CREDENTIALS,)


Admission: TypeAlias = Callable[[Request, SimulatorRequest, Attempt], int]
"""Answers a request for a stream by a refusal or the stream; returns the status."""


@attrs.define
class Pace:
    """A rate of `rate` posts a second, which may be changed at any time; 0 means none."""

    rate: float
    _asked: float | None = None
    _due: float = 0.0

    def due(self, now: float) -> int:
        """Return the posts due since the last call; the first call only starts the count."""
        since = 0.0 if self._asked is None else now - self._asked
        self._asked = now
        # a clock that steps back makes nothing due, one that leaps makes no flood due
        self._due += self.rate * min(max(since, 0.0), LONGEST_GAP)
        whole = int(self._due)
        self._due -= whole
        return whole

    def rest(self) -> None:
        """Stop counting until the next call of due(): nobody listens meanwhile."""
        self._asked = None


class Streams:
    """
    All open streams, of every API, and what they share.

    `connects` are the last 10,000 requests for one, the oldest first; the rate of `pace` is that of
    each stream.
    """

    def __init__(
        self, clock: IReactorTime, random: Random, journal: Journal | None, settings: StreamSettings
    ) -> None:
        self.clock = clock
        self.random = random
        self.journal = journal
        self.settings = settings
        self.ids = Ids()
        self.armed: list[AnswerFault | StreamFault] = []
        self.connects: deque[Attempt] = deque(maxlen=REMEMBERED)
        self.pace = Pace(settings.rate)
        self._asked = 0
        self._streams: list[Stream] = []
        self._sent_before = 0  # on streams that are gone
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = clock

    @property
    def sent(self) -> int:
        """How many posts were sent, on streams that are gone too."""
        return self._sent_before + sum(stream.sent for stream in self._streams)

    def connecting(self, endpoint: str, admit: Admission) -> Callable[[Request], None]:
        """Return what notes a request for a stream and lets an armed fault or `admit` answer."""

        def connect(request: Request) -> None:
            asked = read_request(request)
            attempt = self._note(asked, endpoint)
            fault = self.answer_fault("stream")
            if fault is not None:
                attempt.status = fault.answer(request, attempt.time)
            else:
                attempt.status = admit(request, asked, attempt)
            log.info(
                "Connect {n} to {endpoint} from {peer}: {status}",
                n=attempt.number,
                endpoint=endpoint,
                peer=asked.peer,
                status=attempt.status or "no answer",
            )

        return connect

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
        armed = next((armed for armed in self.armed if armed.where == where), None)
        if isinstance(armed, AnswerFault):
            self.armed.remove(armed)
            return armed
        return None

    def add(self, stream: Stream, lost: Callable[[], object] = lambda: None) -> None:
        """Give a new `stream` its share of posts; call `lost` when its connection is gone."""
        stream.wire.gone.addCallback(lambda _: self._lost(stream, lost))
        stream.wire.register(stream)
        self._streams.append(stream)
        self._remark("opened", stream)
        if not self._ticker.running:
            self.pace.rest()
            self._ticker.start(TICK)

    def strike(self, stream: Stream) -> None:
        """Let the fault that waits for the next stream, if there is one, strike `stream`."""
        armed = next((armed for armed in self.armed if armed.where == "stream"), None)
        if isinstance(armed, StreamFault):
            self.armed.remove(armed)
            armed.strike(stream)

    def stop(self) -> None:
        """End all streams."""
        self.on_all(lambda stream: stream.wire.end())
        if self._ticker.running:
            self._ticker.stop()

    def _note(self, asked: SimulatorRequest, endpoint: str) -> Attempt:
        self._asked += 1
        said = dict(asked.signed.params)
        attempt = Attempt(
            number=self._asked,
            time=self.clock.seconds(),
            endpoint=endpoint,
            source=asked.host,
            peer=asked.peer,
            track=said.get("track", ""),
            locations=said.get("locations", ""),
        )
        self.connects.append(attempt)
        return attempt

    def _lost(self, stream: Stream, lost: Callable[[], object]) -> None:
        self._streams.remove(stream)
        self._remark("closed", stream)
        self._sent_before += stream.sent
        log.info("Stream {n} ended: {sent} posts", n=stream.attempt.number, sent=stream.sent)
        lost()
        if not self._streams and self._ticker.running:
            self._ticker.stop()

    def _remark(self, event: str, stream: Stream) -> None:
        """Write to the journal that a stream was opened, or that its connection is gone."""
        if self.journal is not None:
            self.journal.remark({"stream": event, "connection": stream.attempt.number})

    def _tick(self) -> None:
        """Send every stream the posts that are due since the last tick."""
        due = self.pace.due(self.clock.seconds())
        try:
            self.on_all(lambda stream: stream.tick(due))
        except Exception:
            log.failure("A tick of the simulator failed; the next one comes.")
