"""
How an answer reaches the peer: in three framings, in one piece, in drops, or not to its end.

Knows twisted.web, time, and what each fault does; knows nothing of what is answered.
"""

import json
from collections.abc import Callable
from typing import Final

import attrs
import msgspec
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.web.http import datetimeToString
from twisted.web.server import Request

from tcsandbox.server import quirks
from tcsandbox.server.restapi import ApiAnswer, json_answer

BODILESS: Final = (204, 304)
Replacing = quirks.Answered | quirks.Silent | quirks.Closed | quirks.Redirected


@attrs.define
class Seen:
    """
    One request to the API, and the status of its answer.

    `time` is epoch seconds, `path` has the query, `body` is cut at 4,096 characters.  `status`
    stays None while there is no answer, for ever where the connection was closed.
    """

    time: float
    method: str
    path: str
    body: str
    content_length: bool
    user_agent: str | None
    fault: str | None = None
    status: int | None = None


class Exchange:
    """
    One request and its answer.  Once the peer has gone nothing is left of it, no timer either.

    `framing` is one of Quirks.framing; `seen` learns the status when the answer begins.
    """

    def __init__(self, request: Request, framing: str, seen: Seen, clock: IReactorTime) -> None:
        self._request = request
        self._framing = framing
        self._seen = seen
        self._clock = clock
        self._timer: IDelayedCall | None = None
        self._over = False
        request.notifyFinish().addBoth(self._end)

    def send(self, answer: ApiAnswer) -> None:
        """Send the whole answer at once, unless the peer has gone."""
        if self._over:
            return
        self._begin(answer)
        if self._request.method != b"HEAD" and answer.status not in BODILESS:
            self._request.write(answer.body)
        self._request.finish()

    def send_cut(self, answer: ApiAnswer, after: int | None) -> None:
        """Send the head and `after` bytes of the body, None for half of it, and hang up."""
        self._begin(answer)
        self._request.write(answer.body[: len(answer.body) // 2 if after is None else after])
        self.hang_up()

    def drip(self, answer: ApiAnswer, size: int, seconds: float) -> None:
        """Send the head at once, and `size` bytes of the body every `seconds`."""
        self._begin(answer)
        self._request.write(b"")
        self._drop(answer.body, size, seconds)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` in so many seconds, unless the peer has gone by then."""
        self._timer = self._clock.callLater(seconds, act)

    def hang_up(self) -> None:
        """Close the connection after what was written, without a proper end of the body."""
        self._request.loseConnection()

    def _drop(self, rest: bytes, size: int, seconds: float) -> None:
        if not rest:
            self._request.finish()
            return
        self._request.write(rest[:size])
        self.later(seconds, lambda: self._drop(rest[size:], size, seconds))

    def _begin(self, answer: ApiAnswer) -> None:
        request = self._request
        self._seen.status = answer.status
        request.setResponseCode(answer.status)
        request.setHeader("Date", datetimeToString(self._clock.seconds()))
        request.setHeader("Server", "capture-server-sandbox")
        request.setHeader("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            request.setHeader(name, value)
        if self._framing == "chunked":
            return
        # twisted.web cannot be asked for a body that ends by closing, so the head is written here.
        version = b"HTTP/1.0" if self._framing == "http10" else b"HTTP/1.1"
        if self._framing == "close":
            request.setHeader("Connection", "close")
        code = b"%d" % answer.status
        request.channel.persistent = False
        request.channel.writeHeaders(version, code, request.code_message, request.responseHeaders)
        request.startedWriting = 1

    def _end(self, _result: object) -> None:
        self._over = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()


def play(
    fault: quirks.ServerFault | None, exchange: Exchange, work: Callable[[], ApiAnswer]
) -> None:
    """Answer with what `work` returns, or as `fault` says; call `work` once at most."""
    if isinstance(fault, Replacing):
        _instead(fault, exchange, work)
        return
    answer = work()
    match fault:
        case None:
            exchange.send(answer)
        case quirks.Dripped():
            exchange.drip(answer, fault.size, fault.seconds)
        case quirks.Cut():
            exchange.send_cut(answer, fault.after)
        case quirks.Incomplete():
            exchange.send(_without(answer, fault.members))
        case quirks.Big():
            exchange.send(attrs.evolve(answer, body=answer.body.ljust(fault.size)))
        case quirks.Delayed():
            exchange.later(fault.seconds, lambda: exchange.send(answer))


def _instead(fault: Replacing, exchange: Exchange, work: Callable[[], ApiAnswer]) -> None:
    """Answer as a fault says that replaces the server's answer; call `work` if it is processed."""
    if not isinstance(fault, quirks.Redirected) and fault.processed:
        work()
    match fault:
        case quirks.Answered(json=msgspec.UNSET):
            exchange.send(ApiAnswer(fault.status, fault.body.encode(), fault.content_type))
        case quirks.Answered():
            exchange.send(json_answer(fault.status, fault.json))
        case quirks.Closed():
            exchange.hang_up()
        case quirks.Redirected():
            exchange.send(ApiAnswer(fault.status, headers={"Location": fault.location}))


def _without(answer: ApiAnswer, members: list[str]) -> ApiAnswer:
    """Return the answer, and each of its results, without `members`; only JSON has any."""
    if answer.content_type != "application/json":
        return answer
    content = json.loads(answer.body)
    for row in [content, *content.get("results", [])]:
        for member in members:
            row.pop(member, None)
    return json_answer(answer.status, content)
