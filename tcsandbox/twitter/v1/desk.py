"""The v1.1 end of the simulator: lets clients in or refuses them; newer streams take over."""

from collections import deque
from collections.abc import Iterator

import attrs
from twisted.web.server import Request

from tcsandbox.twitter.common.answers import REASONS, Route, answer, refusal_body
from tcsandbox.twitter.common.asking import SimulatorRequest
from tcsandbox.twitter.common.oauth import Unauthorized, verify
from tcsandbox.twitter.common.stream import REMEMBERED, Attempt, Sent
from tcsandbox.twitter.common.streams import Streams
from tcsandbox.twitter.common.wire import Wire
from tcsandbox.twitter.v1.faults import Calm, Takeover, V1Fault
from tcsandbox.twitter.v1.filters import ConnectRefused, Filter, read_filter, refuse_count
from tcsandbox.twitter.v1.posts import V1PostSource
from tcsandbox.twitter.v1.stream import StreamTerms, V1Stream, disconnect

KEEP_ALIVE = 30.0  # seconds, by Twitter's "connecting" page
FILTER, SAMPLE = "filter", "sample"


@attrs.define
class CalmPolicy:
    """
    Allows `connects` in any `window` seconds.

    One more is refused and starts a ban of `ban` seconds; every connect during a ban doubles it
    and starts it anew, as Twitter's 420 does.
    """

    connects: int
    window: float
    ban: float
    _seen: deque[float] = attrs.field(factory=deque, init=False)
    _current: float = attrs.field(default=0.0, init=False)
    _until: float = attrs.field(default=0.0, init=False)

    def refuses(self, now: float) -> bool:
        """Count a connect made at `now` and return whether it is refused."""
        while self._seen and self._seen[0] <= now - self.window:
            self._seen.popleft()
        banned = now < self._until
        if not banned and len(self._seen) < self.connects:
            self._seen.append(now)
            return False
        self._current = self._current * 2 if banned else self.ban
        self._until = now + self._current
        return True


class V1Desk:
    """API v1.1 for all accounts of the settings; `calm` is the rule for 420, if there is one."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._settings = streams.settings
        self._takeover = Takeover(notice=True)
        self._recent: deque[Sent] = deque(maxlen=REMEMBERED)
        self.calm: CalmPolicy | None = None

    def routes(self) -> Iterator[Route]:
        """Yield the URLs of v1.1."""
        for endpoint in (FILTER, SAMPLE):
            yield (
                f"/1.1/statuses/{endpoint}.json",
                {b"GET", b"POST"},
                self._streams.connecting(endpoint, self._answer),
            )

    def change(self, fault: V1Fault) -> None:
        """Let `fault` govern what comes from now on."""
        if isinstance(fault, Calm):
            scale = self._settings.scale
            self.calm = CalmPolicy(fault.connects, fault.window * scale, fault.ban * scale)
        else:
            self._takeover = fault

    def _answer(self, request: Request, asked: SimulatorRequest, attempt: Attempt) -> int:
        """Answer by a refusal or a stream, and return the status."""
        try:
            terms = self._admit(asked, attempt)
        except ConnectRefused as e:
            answer(request, e.status, refusal_body(e.status, e.reason))
            return e.status
        wire = Wire(request, self._streams.clock, asked.gzip and self._settings.gzip)
        self._open(attempt, terms, wire)
        return 200

    def _admit(self, asked: SimulatorRequest, attempt: Attempt) -> StreamTerms:
        """Return the terms of the stream asked for; raise ConnectRefused."""
        if self.calm is not None and self.calm.refuses(attempt.time):
            raise ConnectRefused(420, REASONS[420])
        try:
            account = verify(asked.signed, self._settings.accounts, attempt.time)
        except Unauthorized as e:
            raise ConnectRefused(401, f"Unauthorized. {e}") from e
        params = dict(asked.signed.params)
        if attempt.endpoint == SAMPLE:
            refuse_count(params)
        return StreamTerms(
            account=account.access_token,
            wanted=Filter() if attempt.endpoint == SAMPLE else read_filter(params),
            delimited=params.get("delimited") == "length",
            stall_warnings=params.get("stall_warnings") == "true",
        )

    def _open(self, attempt: Attempt, terms: StreamTerms, wire: Wire) -> None:
        streams = self._streams
        older = [
            other
            for other in streams.open()
            if isinstance(other, V1Stream) and other.terms.account == terms.account
        ]
        stream = V1Stream(
            attempt=attempt,
            terms=terms,
            wire=wire,
            keep_alive=KEEP_ALIVE * self._settings.scale,
            backlog=self._settings.backlog,
            clock=streams.clock,
            posts=V1PostSource(terms.wanted, streams.ids, streams.random),
            journal=streams.journal,
            recent=self._recent,
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
            older.tell(disconnect(7, older.attempt.endpoint))
        older.wire.end()
