"""
How a v2 stream is opened: who may have which, and what it carries.

Knows connects and open streams; knows neither how rules are kept (app.py) nor tokens (desk.py).
"""

from collections.abc import Callable, Sequence

from twisted.logger import Logger
from twisted.web.server import Request

from tcsandbox.twitter.common.connects import Attempt, ConnectLog
from tcsandbox.twitter.common.settings import StreamSettings
from tcsandbox.twitter.common.stream import StreamIdentity
from tcsandbox.twitter.common.streams import Streams
from tcsandbox.twitter.common.wire import Wire
from tcsandbox.twitter.v2 import backfill, problems
from tcsandbox.twitter.v2.answering import V2Request, answer_json
from tcsandbox.twitter.v2.app import App
from tcsandbox.twitter.v2.fields import Selection, read_selection
from tcsandbox.twitter.v2.plan import KEEP_ALIVE
from tcsandbox.twitter.v2.pool import Draft, sample_drafts
from tcsandbox.twitter.v2.problems import Denied
from tcsandbox.twitter.v2.source import V2PostSource
from tcsandbox.twitter.v2.stream import V2Stream

SEARCH, SAMPLE = "search/stream", "sample/stream"
SAMPLE_DRAFTS = 64

log = Logger()


class Opening:
    """Opens streams for apps; `app_of` returns the app that asks, or raises Denied."""

    def __init__(
        self,
        streams: Streams,
        connects: ConnectLog,
        settings: StreamSettings,
        app_of: Callable[[V2Request], App],
    ) -> None:
        self._streams = streams
        self._connects = connects
        self._settings = settings
        self._app_of = app_of
        self._sample: list[Draft] = []

    def connect(self, request: Request, asked: V2Request, endpoint: str) -> None:
        """Answer a request for a stream: by an armed fault, a refusal or the stream."""
        attempt = self._connects.add(endpoint, asked.host, self._streams.clock.seconds())
        fault = self._streams.answer_fault("stream")
        if fault is not None:
            attempt.status = fault.answer(request, attempt.time)
        else:
            try:
                self._admit(request, asked, attempt)
            except Denied as e:
                attempt.status = e.reply.status
                answer_json(request, e.reply)
        log.info(
            "Connect {n} to {endpoint} from {peer}: {status}",
            n=attempt.number,
            endpoint=endpoint,
            peer=asked.peer,
            status=attempt.status or "no answer",
        )

    def _admit(self, request: Request, asked: V2Request, attempt: Attempt) -> None:
        app, now = self._app_of(asked), attempt.time
        within, headers = app.count("stream_connects", now)
        if not within:
            raise Denied(problems.rate_limited(headers))
        try:
            selection, minutes = self._check(app, asked, attempt.endpoint)
            app.take_slot(now)
        except Denied as e:
            raise Denied(e.reply.with_headers(headers)) from e
        attempt.status = 200
        for name, value in headers.items():
            request.setHeader(name.encode(), value.encode())
        stream = self._open(request, asked, attempt, app, selection)
        if attempt.endpoint == SEARCH and minutes:
            backfill.fill(app, stream, self._streams.rate, minutes * 60 * self._settings.scale)
        self._streams.strike(stream)

    def _check(self, app: App, asked: V2Request, endpoint: str) -> tuple[Selection, int]:
        """Return what the stream is to carry and the minutes of backfill; raise Denied."""
        if not app.plan.enrolled:
            raise Denied(problems.forbidden("client-not-enrolled"))
        if endpoint == SAMPLE and not app.plan.sample:
            raise Denied(problems.forbidden("official-client-forbidden"))
        selection = read_selection(asked.params)
        minutes = backfill.read_minutes(asked.params, app.plan.backfill)
        if endpoint == SEARCH and not app.rules.present:
            raise Denied(problems.no_rules())
        return selection, minutes

    def _open(
        self, request: Request, asked: V2Request, attempt: Attempt, app: App, selection: Selection
    ) -> V2Stream:
        streams, search = self._streams, attempt.endpoint == SEARCH
        supply = self._search_supply(app) if search else self._sample_supply
        source = V2PostSource(supply, selection, streams.ids, streams.random)
        stream = V2Stream(
            StreamIdentity(attempt.number, attempt.endpoint, asked.peer),
            Wire(request, streams.clock, asked.gzip and self._settings.gzip),
            KEEP_ALIVE * self._settings.scale,
            self._settings.backlog,
            streams.clock,
            source,
            streams.journal,
        )
        if search:
            stream.recent = app.recent
        streams.add(stream, lambda: self._lost(app, search))
        return stream

    def _lost(self, app: App, search: bool) -> None:
        app.leave_slot(self._streams.clock.seconds())
        if search:
            app.ended = self._streams.clock.seconds()

    def _search_supply(self, app: App) -> Callable[[float], Sequence[Draft]]:
        """Return a function from a Unix time to the drafts for the rules that work then."""

        def supply(now: float) -> Sequence[Draft]:
            app.pool.serve(app.rules.working(now), now)
            return app.pool.drafts

        return supply

    def _sample_supply(self, now: float) -> Sequence[Draft]:
        if not self._sample:
            self._sample = sample_drafts(self._streams.random, now, SAMPLE_DRAFTS)
        return self._sample
