"""How a v2 stream is opened: who may have which, what it carries, and how a gap is filled."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from twisted.web.server import Request

from tcsandbox.twitter.common.asking import SimulatorRequest
from tcsandbox.twitter.common.stream import Attempt
from tcsandbox.twitter.common.streams import Streams
from tcsandbox.twitter.common.wire import Wire
from tcsandbox.twitter.v2 import problems
from tcsandbox.twitter.v2.app import App
from tcsandbox.twitter.v2.connections import AppConnection
from tcsandbox.twitter.v2.fields import Selection, read_selection
from tcsandbox.twitter.v2.pool import Draft, sample_drafts
from tcsandbox.twitter.v2.problems import Denied
from tcsandbox.twitter.v2.source import V2PostSource
from tcsandbox.twitter.v2.stream import V2Stream

SEARCH, SAMPLE = "search/stream", "sample/stream"
KEEP_ALIVE = 20.0  # seconds, by X's "Consuming streaming data" page
MOST_MINUTES = 5  # of backfill


class Opening:
    """Opens streams for apps; `app_of` returns the app that asks, or raises Denied."""

    def __init__(self, streams: Streams, app_of: Callable[[SimulatorRequest], App]) -> None:
        self._streams = streams
        self._settings = streams.settings
        self._app_of = app_of
        self._sample: list[Draft] = []

    def answer(self, request: Request, asked: SimulatorRequest, attempt: Attempt) -> int:
        """Answer a request for a stream by a refusal or the stream; return the status."""
        try:
            self._admit(request, asked, attempt)
        except Denied as e:
            return e.reply.send(request)
        return 200

    def _admit(self, request: Request, asked: SimulatorRequest, attempt: Attempt) -> None:
        app, now = self._app_of(asked), attempt.time
        within, headers = app.count("stream_connects", now)
        if not within:
            raise Denied(problems.RATE_LIMITED.with_headers(headers))
        try:
            selection, minutes = _check(app, asked.query, attempt.endpoint)
            connection = app.connections.admit(attempt.endpoint, asked.host, app.plan, now)
        except Denied as e:
            raise Denied(e.reply.with_headers(headers)) from e
        for name, value in headers.items():
            request.setHeader(name.encode(), value.encode())
        stream = self._open(request, asked, attempt, app, selection)
        connection.stream = stream
        app.opened(connection)
        lost = partial(self._lost, app, connection)
        self._streams.add(stream, lost)
        if attempt.endpoint == SEARCH and minutes:
            rate, seconds = self._streams.pace.rate, minutes * 60 * self._settings.scale
            _fill(app, stream, rate, seconds)
        self._streams.strike(stream)

    def _open(
        self,
        request: Request,
        asked: SimulatorRequest,
        attempt: Attempt,
        app: App,
        selection: Selection,
    ) -> V2Stream:
        streams, search = self._streams, attempt.endpoint == SEARCH
        supply = app.drafts if search else self._sample_supply
        stream = V2Stream(
            attempt,
            Wire(request, streams.clock, asked.gzip and self._settings.gzip),
            KEEP_ALIVE * self._settings.scale,
            self._settings.backlog,
            streams.clock,
            V2PostSource(supply, selection, streams.ids, streams.random, app.plan),
            streams.journal,
        )
        if search:
            stream.recent = app.recent
        return stream

    def _lost(self, app: App, connection: AppConnection) -> None:
        app.closed(connection, self._streams.clock.seconds())

    def _sample_supply(self, now: float) -> Sequence[Draft]:
        self._sample = self._sample or sample_drafts(self._streams.random, now)
        return self._sample


def _check(app: App, query: Mapping[str, str], endpoint: str) -> tuple[Selection, int]:
    """Return what the stream is to carry and the minutes of backfill; raise Denied."""
    if not app.plan.enrolled:
        raise Denied(problems.forbidden("client-not-enrolled"))
    if endpoint == SAMPLE and not app.plan.sample:
        raise Denied(problems.forbidden("official-client-forbidden"))
    selection = read_selection(query)
    minutes = _read_minutes(query.get("backfill_minutes", "0"), app.plan.backfill)
    if endpoint == SEARCH and not app.rules.present:
        raise Denied(problems.NO_RULES)
    return selection, minutes


def _read_minutes(text: str, allowed: bool) -> int:
    """Return the minutes of backfill asked for; raise Denied for what X or the plan refuses."""
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_MINUTES):
        raise problems.bad_parameter("backfill_minutes", text, "is not between 0 and 5")
    if not allowed and int(text):
        raise problems.bad_parameter("backfill_minutes", text, "is not available to your plan")
    return int(text)


def _fill(app: App, stream: V2Stream, rate: float, seconds: float) -> None:
    """
    Send what was sent last once more, and owe the posts of the last `seconds` of the gap.

    Those come at `rate` a second, but fill at most half of the backlog.  Nothing is sent when
    the app had no search stream before.
    """
    if app.ended is None:
        return
    stream.send_again(list(app.recent))
    gap = min(stream.since - app.ended, seconds)
    stream.owe(min(int(gap * rate), stream.backlog // 2))
