"""
The v1.1 end of the simulator: answers requests for a stream, and lets newer streams take over.

Knows connects and open streams; who is let in is decided in door.py.
"""

from twisted.logger import Logger
from twisted.web.server import Request

from tcsandbox.twitter.common.answers import answer, refusal_body
from tcsandbox.twitter.common.connects import Attempt, ConnectLog
from tcsandbox.twitter.common.settings import StreamSettings
from tcsandbox.twitter.common.stream import StreamIdentity
from tcsandbox.twitter.common.streams import Streams
from tcsandbox.twitter.common.wire import Wire
from tcsandbox.twitter.v1.asking import StreamRequest
from tcsandbox.twitter.v1.calm import CalmPolicy
from tcsandbox.twitter.v1.door import Door
from tcsandbox.twitter.v1.faults import Calm, Takeover, V1Fault
from tcsandbox.twitter.v1.filters import ConnectRefused
from tcsandbox.twitter.v1.notices import disconnect
from tcsandbox.twitter.v1.posts import V1PostSource
from tcsandbox.twitter.v1.stream import StreamTerms, V1Stream

KEEP_ALIVE = 30.0  # seconds, by Twitter's "connecting" page

log = Logger()


class V1Desk:
    """API v1.1 for all accounts of `settings`."""

    def __init__(self, streams: Streams, connects: ConnectLog, settings: StreamSettings) -> None:
        self._streams = streams
        self._connects = connects
        self._settings = settings
        self._door = Door(settings.accounts)
        self._takeover = Takeover(notice=True)

    def connect(self, request: Request, asked: StreamRequest) -> None:
        """Answer `request`, which asks for `asked`: by an armed fault, a refusal or a stream."""
        now = self._streams.clock.seconds()
        track, locations = asked.params.get("track", ""), asked.params.get("locations", "")
        attempt = self._connects.add(asked.endpoint, asked.host, now, track, locations)
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

    def change(self, fault: V1Fault) -> None:
        """Let `fault` govern what comes from now on."""
        if isinstance(fault, Calm):
            scale = self._settings.scale
            window, ban = fault.window * scale, fault.ban * scale
            self._door.calm = CalmPolicy(fault.connects, window, ban)
        else:
            self._takeover = fault

    def end_calm(self) -> None:
        """Answer 420 no longer, however many connects come."""
        self._door.calm = None

    def _admit(self, request: Request, asked: StreamRequest, attempt: Attempt) -> None:
        try:
            terms = self._door.admit(asked, attempt.time)
        except ConnectRefused as e:
            attempt.status = e.status
            answer(request, e.status, refusal_body(e.status, e.reason))
        else:
            attempt.status = 200
            identity = StreamIdentity(attempt.number, asked.endpoint, asked.peer)
            wire = Wire(request, self._streams.clock, asked.gzip and self._settings.gzip)
            self._open(identity, terms, wire)

    def _open(self, identity: StreamIdentity, terms: StreamTerms, wire: Wire) -> None:
        streams = self._streams
        older = [
            other
            for other in streams.open()
            if isinstance(other, V1Stream) and other.terms.account == terms.account
        ]
        stream = V1Stream(
            identity=identity,
            terms=terms,
            wire=wire,
            keep_alive=KEEP_ALIVE * self._settings.scale,
            backlog=self._settings.backlog,
            clock=streams.clock,
            posts=V1PostSource(terms.wanted, streams.ids, streams.random),
            journal=streams.journal,
        )
        streams.add(stream)
        for other in older:
            self._take_over(other, stream)
        streams.strike(stream)

    def _take_over(self, older: V1Stream, newer: V1Stream) -> None:
        seconds = self._takeover.after * self._settings.scale
        if not seconds:
            self._end_older(older)
            return
        older.rivals, newer.rivals = (newer,), (older,)
        older.wire.later(seconds, lambda: self._end_older(older))

    def _end_older(self, older: V1Stream) -> None:
        if self._takeover.notice:
            older.tell(disconnect(7, older.identity.endpoint))
        older.wire.end()
