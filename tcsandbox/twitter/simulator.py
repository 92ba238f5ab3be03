"""
The simulated Twitter itself: both APIs, and what can be done to all of their streams.

Knows the controls below /sandbox, and nothing of time and chance but what it is given.  How each
API answers is in v1/ and v2/; the command line is in command.py.
"""

from collections.abc import Callable, Iterator
from random import Random

import attrs
import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.server import Request, Site

from tcsandbox.site import TrackingSite
from tcsandbox.twitter.catalogue import read_fault
from tcsandbox.twitter.common.answers import Pages, Route, answer
from tcsandbox.twitter.common.faults import AnswerFault, Clear, Replay, SimulatorFault, StreamFault
from tcsandbox.twitter.common.journal import Journal
from tcsandbox.twitter.common.stream import Stream
from tcsandbox.twitter.common.streams import Streams, StreamSettings
from tcsandbox.twitter.common.text import Json
from tcsandbox.twitter.v1.desk import V1Desk
from tcsandbox.twitter.v1.faults import V1Fault
from tcsandbox.twitter.v2.desk import V2Desk
from tcsandbox.twitter.v2.faults import AppFault
from tcsandbox.twitter.v2.plan import Plan

log = Logger()


@attrs.define
class SimulatorSettings(StreamSettings):
    """What sort of Twitter it is; `plan` is what each account's app may do on v2."""

    plan: Plan = attrs.Factory(Plan)


class _RateChange(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST to /sandbox/rate."""

    rate: float


class Simulator:
    """A whole simulated Twitter.  It does nothing until a client connects, and ends with stop()."""

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        settings: SimulatorSettings | None = None,
        journal: Journal | None = None,
    ) -> None:
        settings = settings or SimulatorSettings()
        self._journal = journal
        self._streams = Streams(clock, random, journal, settings)
        self.v1 = V1Desk(self._streams)
        self.v2 = V2Desk(self._streams, settings.plan)
        routes = [*self.v1.routes(), *self.v2.routes(), *self._controls()]
        self._site = TrackingSite(Pages(routes), clock)

    def site(self) -> Site:
        """Return the factory to listen with; it is always the same."""
        return self._site

    def say(self, data: bytes) -> int:
        """Send `data` as it stands on every open stream; return their number."""
        return self._streams.on_all(lambda stream: stream.wire.send(data))

    def set_rate(self, rate: float) -> None:
        """Send `rate` posts a second on each stream from now on; raise ValueError below 0."""
        if not 0 <= rate < float("inf"):
            raise ValueError(f"The rate must be 0 or more, not {rate!r}.")
        self._streams.pace.rate = rate

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
            self.v1.calm = None
            return self._streams.on_all(Stream.recover)
        return 0

    def state(self) -> Json:
        """Return the open streams, the connects and the posts sent, ready for JSON."""
        return {
            "posts": self._streams.sent,
            "rate": self._streams.pace.rate,
            "scale": self._streams.settings.scale,
            "armed": [fault.kind for fault in self._streams.armed],
            "streams": [stream.state() for stream in self._streams.open()],
            "connects": [attrs.asdict(attempt) for attempt in self._streams.connects],
            "v2": self.v2.state(),
        }

    def stop(self) -> Deferred[None]:
        """End all streams and connections; fires when they are gone and the journal is closed."""
        self._streams.stop()
        return self._site.hang_up().addCallback(self._close_journal)

    def _close_journal(self, _: None) -> None:
        if self._journal is not None:
            self._journal.close()

    def _controls(self) -> Iterator[Route]:
        """Yield the URLs below /sandbox."""

        def rate(body: bytes) -> Json:
            wanted = msgspec.json.decode(body, type=_RateChange).rate
            self.set_rate(wanted)
            return {"rate": wanted}

        def replay(body: bytes) -> Json:
            self.replay(body)
            return {"bytes": len(body)}

        post = {b"POST"}
        yield "/sandbox/state", {b"GET"}, _control(lambda _: self.state())
        yield "/sandbox/say", post, _control(lambda body: {"streams": self.say(body)})
        fault = _control(lambda body: {"streams": self.fault(read_fault(body))})
        yield "/sandbox/fault", post, fault
        yield "/sandbox/rate", post, _control(rate)
        yield "/sandbox/replay", post, _control(replay)


def _control(act: Callable[[bytes], Json]) -> Callable[[Request], None]:
    """
    Return a function that answers a request with the JSON that `act` makes of its body.

    When `act` raises ValueError, the answer is a 400 with its sentence.
    """

    def render(request: Request) -> None:
        body = request.content.read() if request.content is not None else b""
        headers = {"Content-Type": "application/json"}
        try:
            status, reply = 200, msgspec.json.encode(act(body)) + b"\n"
        except ValueError as e:
            status, reply, headers = 400, f"{e}\n".encode(), {"Content-Type": "text/plain"}
        answer(request, status, reply, headers)

    return render
