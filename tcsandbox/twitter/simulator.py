"""
The simulated Twitter itself: both APIs, and what can be done to all of their streams.

Knows neither URLs nor command lines (web.py, command.py), and nothing of time and chance but what
it is given.  How each API answers is in v1/ and v2/.
"""

from random import Random

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.server import Site

from tcsandbox.twitter.common.connects import ConnectLog
from tcsandbox.twitter.common.faults import AnswerFault, Clear, Replay, SimulatorFault, StreamFault
from tcsandbox.twitter.common.journal import Journal
from tcsandbox.twitter.common.settings import StreamSettings
from tcsandbox.twitter.common.site import SimulatorSite
from tcsandbox.twitter.common.stream import Stream
from tcsandbox.twitter.common.streams import Streams
from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v1.desk import V1Desk
from tcsandbox.twitter.v1.faults import V1Fault
from tcsandbox.twitter.v2.desk import V2Desk
from tcsandbox.twitter.v2.faults import AppFault
from tcsandbox.twitter.v2.plan import Plan
from tcsandbox.twitter.web import SimulatedTwitter, build_root

log = Logger()


@attrs.define
class SimulatorSettings(StreamSettings):
    """What sort of Twitter it is; `plan` is what each account's app may do on v2."""

    plan: Plan = attrs.Factory(Plan)


class Simulator(SimulatedTwitter):
    """A whole simulated Twitter.  It does nothing until a client connects, and ends with stop()."""

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        settings: SimulatorSettings | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._settings = settings or SimulatorSettings()
        self._journal = journal
        self._connects = ConnectLog()
        self._streams = Streams(clock, random, journal, self._settings.rate)
        self.v1 = V1Desk(self._streams, self._connects, self._settings)
        self.v2 = V2Desk(self._streams, self._connects, self._settings, self._settings.plan)
        self._site = SimulatorSite(build_root(self), clock)

    def site(self) -> Site:
        """Return the factory to listen with; it is always the same."""
        return self._site

    def say(self, data: bytes) -> int:
        """Send `data` as it stands on every open stream; return their number."""
        return self._streams.on_all(lambda stream: stream.say(data))

    def set_rate(self, rate: float) -> None:
        """Send `rate` posts a second on each stream from now on; raise ValueError below 0."""
        if not 0 <= rate < float("inf"):
            raise ValueError(f"The rate must be 0 or more, not {rate!r}.")
        self._streams.rate = rate

    def replay(self, data: bytes, close: bool = True) -> None:
        """Answer the next connect with `data`, a whole HTTP response, byte for byte."""
        self.fault(Replay(data=data, close=close))

    def fault(self, fault: SimulatorFault) -> int:
        """Let `fault` strike, now or at the next connects; return how many streams it struck."""
        log.info("Fault {kind}", kind=fault.kind)
        if isinstance(fault, StreamFault) and fault.when == "now":
            return self._streams.on_all(fault.strike)
        if isinstance(fault, AnswerFault | StreamFault):
            self._streams.armed += [fault] * fault.times
        elif isinstance(fault, V1Fault):
            self.v1.change(fault)
        elif isinstance(fault, AppFault):
            self.v2.change(fault)
        elif isinstance(fault, Clear):
            self._streams.armed.clear()
            self.v1.end_calm()
            return self._streams.on_all(Stream.recover)
        return 0

    def state(self) -> Json:
        """Return the open streams, the connects and the posts sent, ready for JSON."""
        return {
            "posts": self._streams.sent,
            "rate": self._streams.rate,
            "scale": self._settings.scale,
            "armed": [fault.kind for fault in self._streams.armed],
            "streams": [stream.state() for stream in self._streams.open()],
            "connects": [attrs.asdict(attempt) for attempt in self._connects.attempts],
            "v2": self.v2.state(),
        }

    def stop(self) -> Deferred[None]:
        """
        End every stream and connection, and close the journal.

        The Deferred fires when all connections are gone.
        """
        self._streams.stop()
        return self._site.hang_up().addCallback(self._close_journal)

    def _close_journal(self, _: None) -> None:
        if self._journal is not None:
            self._journal.close()
