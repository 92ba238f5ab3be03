"""
The simulated Twitter itself: v1.1's streams, and what can be done to all.

Knows neither URLs nor command lines (web.py, command.py), and nothing of time and chance but what
it is given.  X API v2 is in v2/.
"""

from random import Random

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.server import Site

from tcsandbox.twitter.answers import answer, refusal_body
from tcsandbox.twitter.asking import StreamRequest
from tcsandbox.twitter.broadcast import Stream, StreamTerms
from tcsandbox.twitter.calm import CalmPolicy
from tcsandbox.twitter.door import Attempt, Door
from tcsandbox.twitter.faults import (
    AnswerFault,
    Calm,
    Clear,
    Replay,
    SimulatorFault,
    StreamFault,
    Takeover,
)
from tcsandbox.twitter.filters import ConnectRefused
from tcsandbox.twitter.journal import Journal
from tcsandbox.twitter.notices import disconnect
from tcsandbox.twitter.oauth import SANDBOX_CREDENTIALS, Credentials
from tcsandbox.twitter.posts import V1PostSource
from tcsandbox.twitter.site import SimulatorSite
from tcsandbox.twitter.streams import Streams
from tcsandbox.twitter.v2.desk import Desk
from tcsandbox.twitter.v2.faults import AppFault
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.web import build_root
from tcsandbox.twitter.wire import Request, Wire
from tcsandbox.twitter.writing import Json

KEEP_ALIVE = 30.0  # seconds, by Twitter's "connecting" page

log = Logger()


@attrs.define
class SimulatorSettings:
    """
    What sort of Twitter it is.  `rate`: posts a second on each stream, 0 for none; `scale`
    shortens all of Twitter's timers; `gzip` allows compressed bodies; `backlog`: posts that may
    be owed to a slow reader; `plan`: what each account's app may do on v2.
    """

    rate: float = 0.0
    scale: float = 1.0
    gzip: bool = True
    backlog: int = 10_000
    accounts: tuple[Credentials, ...] = (SANDBOX_CREDENTIALS,)
    plan: Plan = attrs.Factory(Plan)


class Simulator:
    """Twitter's streams.  It does nothing until connect() is called, and ends with stop()."""

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        settings: SimulatorSettings | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._clock = clock
        self._settings = settings or SimulatorSettings()
        self._journal = journal
        self._door = Door(self._settings.accounts)
        self._streams = Streams(clock, random, journal, self._settings.rate)
        self._takeover = Takeover(notice=True)
        self.v2 = Desk(self._streams, self._door, self._settings)
        self._site = SimulatorSite(build_root(self), clock)

    def site(self) -> Site:
        """The factory to listen with; always the same."""
        return self._site

    def connect(self, request: Request, asked: StreamRequest) -> None:
        """Answer `request`, which asks for `ask`: by an armed fault, a refusal or a stream."""
        attempt = self._door.note(asked, self._clock.seconds())
        fault = self._streams.answer_fault("stream")
        if fault is not None:
            attempt.status = fault.answer(request, attempt.time)
        else:
            self._admit(request, asked, attempt)
        log.info(
            "Connect {n} from {peer}: {status}",
            n=attempt.number,
            peer=asked.peer,
            status=attempt.status or "no answer",
        )

    def say(self, data: bytes) -> int:
        """Send `data` as it stands on every open stream; give their number."""
        return self._streams.on_all(lambda stream: stream.say(data))

    def set_rate(self, rate: float) -> None:
        """From now on `rate` posts a second on each stream; raises ValueError below 0."""
        if not 0 <= rate < float("inf"):
            raise ValueError(f"The rate must be 0 or more, not {rate!r}.")
        self._streams.rate = rate

    def replay(self, data: bytes, close: bool = True) -> None:
        """Answer the next connect with `data`, a whole HTTP response, byte for byte."""
        self.fault(Replay(data=data, close=close))

    def fault(self, fault: SimulatorFault) -> int:
        """
        Let `fault` strike, now or at the next connects; give the number of streams struck now.
        """
        log.info("Fault {kind}", kind=fault.kind)
        if isinstance(fault, StreamFault) and fault.when == "now":
            return self._streams.on_all(fault.strike)
        if isinstance(fault, AnswerFault | StreamFault):
            self._streams.armed += [fault] * fault.times
        elif isinstance(fault, Takeover):
            self._takeover = fault
        elif isinstance(fault, Calm):
            scale = self._settings.scale
            window, ban = fault.window * scale, fault.ban * scale
            self._door.calm = CalmPolicy(fault.connects, window, ban)
        elif isinstance(fault, Clear):
            self._streams.armed.clear()
            self._door.calm = None
            return self._streams.on_all(Stream.recover)
        elif isinstance(fault, AppFault):
            self.v2.change(fault)
        return 0

    def state(self) -> Json:
        """What /sandbox/state tells: open streams, connects, posts sent; ready for JSON."""
        return {
            "posts": self._streams.sent,
            "rate": self._streams.rate,
            "scale": self._settings.scale,
            "armed": [fault.kind for fault in self._streams.armed],
            "streams": [stream.state() for stream in self._streams.open()],
            "connects": [attrs.asdict(attempt) for attempt in self._door.attempts],
            "v2": self.v2.state(),
        }

    def stop(self) -> Deferred[None]:
        """End every stream and connection, close the journal; fires when all are gone."""
        self._streams.stop()
        return self._site.hang_up().addCallback(self._close_journal)

    def _close_journal(self, _: None) -> None:
        if self._journal is not None:
            self._journal.close()

    def _admit(self, request: Request, asked: StreamRequest, attempt: Attempt) -> None:
        try:
            terms = self._door.admit(asked, attempt)
        except ConnectRefused as e:
            attempt.status = e.status
            answer(request, e.status, refusal_body(e.status, e.reason))
        else:
            attempt.status = 200
            self._open(request, terms, asked.gzip and self._settings.gzip)

    def _open(self, request: Request, terms: StreamTerms, gzip: bool) -> None:
        streams = self._streams
        older = [other for other in streams.open() if other.terms.account == terms.account]
        stream = Stream(
            terms=terms,
            wire=Wire(request, self._clock, gzip),
            keep_alive=KEEP_ALIVE * self._settings.scale,
            backlog=self._settings.backlog,
            clock=self._clock,
            posts=V1PostSource(terms.wanted, streams.ids, streams.random),
            journal=self._journal,
        )
        streams.add(stream)
        for other in older:
            self._take_over(other, stream)
        streams.strike(stream)

    def _take_over(self, older: Stream, newer: Stream) -> None:
        seconds = self._takeover.after * self._settings.scale
        if not seconds:
            self._end_older(older)
            return
        older.rivals, newer.rivals = (newer,), (older,)
        older.wire.later(seconds, lambda: self._end_older(older))

    def _end_older(self, older: Stream) -> None:
        if self._takeover.notice:
            older.tell(disconnect(7, older.terms.endpoint))
        older.wire.end()
