"""
The simulated Twitter itself: which streams are open and what they are sent.

Knows neither URLs nor command lines (resources.py, twitter.py), and nothing of time and chance
but what it is given.
"""

from collections.abc import Callable
from random import Random

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.web.server import Site

from tcclient.sandbox.twitter.answers import answer, refusal_body
from tcclient.sandbox.twitter.asking import Ask
from tcclient.sandbox.twitter.broadcast import Stream, Terms
from tcclient.sandbox.twitter.calm import CalmPolicy
from tcclient.sandbox.twitter.door import Attempt, Door
from tcclient.sandbox.twitter.faults import (
    AnswerFault,
    Calm,
    Clear,
    Fault,
    Replay,
    StreamFault,
    Takeover,
)
from tcclient.sandbox.twitter.filters import Refused
from tcclient.sandbox.twitter.journal import Journal
from tcclient.sandbox.twitter.notices import disconnect
from tcclient.sandbox.twitter.oauth import SANDBOX_CREDENTIALS, Credentials
from tcclient.sandbox.twitter.pace import Pace
from tcclient.sandbox.twitter.posts import Ids, PostSource
from tcclient.sandbox.twitter.site import SimulatorSite
from tcclient.sandbox.twitter.web import build_root
from tcclient.sandbox.twitter.wire import Request, Wire
from tcclient.sandbox.twitter.writing import Json

TICK = 0.025  # seconds between two handfuls of posts
KEEP_ALIVE = 30.0  # seconds, by Twitter's "connecting" page

log = Logger()


@attrs.define
class Character:
    """
    What sort of Twitter it is.  `rate`: posts a second on each stream, 0 for none; `scale`
    shortens all of Twitter's timers; `gzip` allows compressed bodies; `backlog`: posts that may
    be owed to a slow reader.
    """

    rate: float = 0.0
    scale: float = 1.0
    gzip: bool = True
    backlog: int = 10_000
    accounts: tuple[Credentials, ...] = (SANDBOX_CREDENTIALS,)


class Simulator:
    """Twitter's streams.  It does nothing until connect() is called, and ends with stop()."""

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        character: Character | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._clock = clock
        self._random = random
        self._character = character or Character()
        self._journal = journal
        self._pace = Pace(self._character.rate)
        self._door = Door(self._character.accounts)
        self._streams: list[Stream] = []
        self._armed: list[AnswerFault | StreamFault] = []
        self._takeover_notice = True
        self._sent_before = 0  # on streams that are gone
        self._ids = Ids()
        self._site = SimulatorSite(build_root(self), clock)
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = clock

    def site(self) -> Site:
        """The factory to listen with; always the same."""
        return self._site

    def connect(self, request: Request, ask: Ask) -> None:
        """Answer `request`, which asks for `ask`: by an armed fault, a refusal or a stream."""
        attempt = self._door.note(ask, self._clock.seconds())
        armed = self._armed[0] if self._armed else None
        if isinstance(armed, AnswerFault):
            self._armed.pop(0)
            attempt.status = armed.answer(request)
        else:
            self._admit(request, ask, attempt)
        log.info(
            "Connect {n} from {peer}: {status}",
            n=attempt.number,
            peer=ask.peer,
            status=attempt.status or "no answer",
        )

    def say(self, data: bytes) -> int:
        """Send `data` as it stands on every open stream; give their number."""
        return self._on_all(lambda stream: stream.say(data))

    def set_rate(self, rate: float) -> None:
        """From now on `rate` posts a second on each stream; raises ValueError below 0."""
        if not 0 <= rate < float("inf"):
            raise ValueError(f"The rate must be 0 or more, not {rate!r}.")
        self._pace.rate = rate

    def replay(self, data: bytes, close: bool = True) -> None:
        """Answer the next connect with `data`, a whole HTTP response, byte for byte."""
        self.fault(Replay(data=data, close=close))

    def fault(self, fault: Fault) -> int:
        """
        Let `fault` strike, now or at the next connects; give the number of streams struck now.
        """
        log.info("Fault {kind}", kind=fault.kind)
        if isinstance(fault, StreamFault) and fault.when == "now":
            return self._on_all(fault.strike)
        if isinstance(fault, AnswerFault | StreamFault):
            self._armed += [fault] * fault.times
        elif isinstance(fault, Takeover):
            self._takeover_notice = fault.notice
        elif isinstance(fault, Calm):
            scale = self._character.scale
            window, ban = fault.window * scale, fault.ban * scale
            self._door.calm = CalmPolicy(fault.connects, window, ban)
        elif isinstance(fault, Clear):
            self._armed.clear()
            self._door.calm = None
            return self._on_all(Stream.recover)
        return 0

    def state(self) -> Json:
        """What /sandbox/state tells: open streams, connects, posts sent; ready for JSON."""
        return {
            "posts": self._sent_before + sum(stream.sent for stream in self._streams),
            "rate": self._pace.rate,
            "scale": self._character.scale,
            "armed": [fault.kind for fault in self._armed],
            "streams": [s.state() for s in self._streams if not s.wire.closed],
            "connects": [attrs.asdict(attempt) for attempt in self._door.attempts],
        }

    def stop(self) -> Deferred[None]:
        """End every stream and connection, close the journal; fires when all are gone."""
        self._on_all(lambda stream: stream.wire.end())
        if self._ticker.running:
            self._ticker.stop()
        if self._journal is not None:
            self._journal.close()
        return self._site.hang_up()

    def _admit(self, request: Request, ask: Ask, attempt: Attempt) -> None:
        try:
            terms = self._door.admit(ask, attempt)
        except Refused as e:
            attempt.status = e.status
            answer(request, e.status, refusal_body(e.status, e.reason))
        else:
            attempt.status = 200
            self._open(request, terms, ask.gzip and self._character.gzip)

    def _open(self, request: Request, terms: Terms, gzip: bool) -> None:
        older = [stream for stream in self._streams if stream.terms.account == terms.account]
        wire = Wire(request, self._clock, gzip)
        stream = Stream(
            terms=terms,
            wire=wire,
            keep_alive=KEEP_ALIVE * self._character.scale,
            backlog=self._character.backlog,
            clock=self._clock,
            posts=PostSource(terms.wanted, self._ids, self._random),
            journal=self._journal,
        )
        wire.when_lost().addCallback(lambda _: self._lost(stream))
        wire.register(stream)
        self._streams.append(stream)
        for other in older:
            self._take_over(other)
        if not self._ticker.running:
            self._pace.rest()
            self._ticker.start(TICK)
        armed = self._armed[0] if self._armed else None
        if isinstance(armed, StreamFault):
            self._armed.pop(0)
            armed.strike(stream)

    def _take_over(self, older: Stream) -> None:
        if self._takeover_notice:
            older.tell(disconnect(7, older.terms.endpoint))
        older.wire.end()

    def _lost(self, stream: Stream) -> None:
        self._streams.remove(stream)
        self._sent_before += stream.sent
        log.info("Stream {n} ended: {sent} posts", n=stream.terms.number, sent=stream.sent)
        if not self._streams and self._ticker.running:
            self._ticker.stop()

    def _tick(self) -> None:
        due = self._pace.due(self._clock.seconds())
        try:
            self._on_all(lambda stream: stream.tick(due))
        except Exception:
            log.failure("A tick of the simulator failed; the next one comes.")

    def _on_all(self, act: Callable[[Stream], object]) -> int:
        streams = [stream for stream in self._streams if not stream.wire.closed]
        for stream in streams:
            act(stream)
        return len(streams)
